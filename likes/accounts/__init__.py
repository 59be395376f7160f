"""A user's connections to the services, and everything that ends with them."""
