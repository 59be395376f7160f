from io import StringIO

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection

from likes.accounts import encryption
from likes.management.base import Error

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
pytestmark = pytest.mark.django_db


@pytest.fixture
def make_token(django_user_model, settings):
    settings.TOKEN_ENCRYPTION_KEYS = [OLD]

    def make(name="ann", token="BQ-access", secret="AQ-refresh"):
        user = django_user_model.objects.create(username=name)
        account = SocialAccount.objects.create(user=user, provider="spotify", uid=name)
        return SocialToken.objects.create(account=account, token=token, token_secret=secret)

    return make


def read_stored(pk):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT token, token_secret FROM socialaccount_socialtoken WHERE id = %s", [pk]
        )
        return cursor.fetchone()


def test_token_is_encrypted_in_the_database_only(make_token):
    row = make_token()
    stored = read_stored(row.pk)
    assert all(text.startswith("gAAAAA") for text in stored)
    assert "BQ-access" not in stored[0]
    again = SocialToken.objects.get(pk=row.pk)
    assert (again.token, again.token_secret) == ("BQ-access", "AQ-refresh")
    assert list(SocialToken.objects.values_list("token", flat=True)) == ["BQ-access"]


def test_update_of_a_queryset_is_encrypted_too(make_token):
    row = make_token()
    SocialToken.objects.filter(pk=row.pk).update(token="BQ-other")
    assert read_stored(row.pk)[0].startswith("gAAAAA")
    assert SocialToken.objects.get(pk=row.pk).token == "BQ-other"


def test_empty_secret_stays_empty(make_token):
    assert read_stored(make_token(secret="").pk)[1] == ""


def test_token_stored_in_clear_is_read_and_encrypted_at_the_next_save(make_token):
    row = make_token()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE socialaccount_socialtoken SET token = 'BQ-clear'")
    row.refresh_from_db()
    assert row.token == "BQ-clear"
    row.save()
    assert read_stored(row.pk)[0].startswith("gAAAAA")
    assert SocialToken.objects.get(pk=row.pk).token == "BQ-clear"


def test_token_of_a_lost_key_shows_as_empty_and_raises_in_use(make_token, settings):
    row = make_token()
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    row.refresh_from_db()
    assert str(row.token) == ""
    assert repr(row.token) == "''"
    with pytest.raises(encryption.TokenUnreadable, match="TOKEN_ENCRYPTION_KEYS"):
        encryption.reveal(row.token)


def test_token_of_a_lost_key_survives_a_save(make_token, settings):
    row = make_token()
    before = read_stored(row.pk)
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    row.refresh_from_db()
    row.save()
    assert read_stored(row.pk) == before
    settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
    row.refresh_from_db()
    assert encryption.reveal(row.token) == "BQ-access"


def test_rotation_makes_the_old_key_needless(make_token, settings):
    rows = [make_token(name) for name in ("ann", "ben")]
    settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
    out = StringIO()
    call_command("rotate_token_keys", stdout=out)
    assert out.getvalue() == "Encrypted with the first key: 2.\n"
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    for row in rows:
        row.refresh_from_db()
        assert (row.token, row.token_secret) == ("BQ-access", "AQ-refresh")


def test_rotation_leaves_and_reports_what_no_key_opens(make_token, settings):
    row = make_token()
    before = read_stored(row.pk)
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(Error, match="1 stored token"):
        call_command("rotate_token_keys", stdout=StringIO())
    assert read_stored(row.pk) == before


def test_bad_key_is_named_by_its_setting(settings):
    settings.TOKEN_ENCRYPTION_KEYS = ["not a key"]
    with pytest.raises(ImproperlyConfigured, match="TOKEN_ENCRYPTION_KEYS"):
        encryption.encrypt("text")


def test_rotation_refuses_bad_keys_where_there_is_no_token_yet(settings):
    settings.TOKEN_ENCRYPTION_KEYS = ["not a key"]
    with pytest.raises(Error, match="TOKEN_ENCRYPTION_KEYS"):
        call_command("rotate_token_keys", stdout=StringIO())


def test_migrations_see_no_change():
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())
