"""The few pages that a browser sees."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } .note { opacity: .75; } pre { overflow-x: auto; padding: .75rem 1rem;
border: 1px solid #8886; border-radius: .5rem; } label { display: block; padding: .2rem 0; }
table { border-collapse: collapse; } td, th { padding: .25rem 1rem .25rem 0; text-align: left; }
button { font: inherit; padding: .45rem 1.3rem; margin: 1rem .5rem 0 0; border-radius: .5rem;
border: 1px solid #8888; cursor: pointer; } button.allow { background: #1a7f4b; color: #fff; }
"""


def render_page(title: str, body: str) -> str:
    """Return a whole page around some HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def render_message(service: str, text: str) -> str:
    """Return a page with one sentence."""
    return render_page(
        f"Sandbox: {service}",
        f"<h1>{escape(text)}</h1><p class='note'>This is Narada's sandbox, "
        f"not {escape(service)}.</p>",
    )


def render_consent(service: str, users: list[tuple[str, bool]], wishes: list[str]) -> str:
    """Return the page on which one picks who one is and allows or declines.

    ``users`` are names and whether development mode lists them. The form is posted to the
    page's own address, with the fields ``user`` and ``answer`` (allow or cancel).
    """
    choices = "".join(
        f'<label><input type="radio" name="user" value="{escape(name)}" required'
        f"{' checked' if number == 0 else ''}> {escape(name)}"
        f"{'' if listed else ' <span class=note>(not on the app’s list of users)</span>'}</label>"
        for number, (name, listed) in enumerate(users)
    )
    items = "".join(f"<li>{escape(wish)}</li>" for wish in wishes)
    return render_page(
        f"Sandbox: {service}",
        f"<h1>Sign in to the sandbox’s {escape(service)}</h1>"
        f"<p class='note'>This is Narada's sandbox, not {escape(service)}. Nobody's account is "
        f"here; pick whose likes you want to see.</p><p>The app asks for:</p><ul>{items}</ul>"
        f'<form method="post">{choices}'
        '<button class="allow" name="answer" value="allow">Allow</button>'
        '<button name="answer" value="cancel" formnovalidate>Cancel</button></form>',
    )


def render_landing(base_url: str, settings: dict[str, str], rows: Sequence[tuple[str, ...]]) -> str:
    """Return the front page: what this is, who is here, what to set."""
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    cells = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row)}</tr>" for row in rows)
    return render_page(
        "Narada's sandbox",
        "<h1>Narada's sandbox</h1><p>A local stand-in for Spotify and Last.fm with invented "
        "users. It is neither of the two, and nothing here leaves this machine.</p>"
        f"<h2>Users</h2><table><tr><th>name</th><th>likes on Spotify</th><th>loved on Last.fm</th>"
        f"<th>scrobbled tracks</th><th>on the app's list</th></tr>{cells}</table>"
        f"<h2>Settings to use</h2><pre>{escape(lines)}</pre>"
        f'<p>Control: <a href="/sandbox/state">/sandbox/state</a>, '
        f'<a href="/sandbox/calls">/sandbox/calls</a>, '
        f'<a href="/sandbox/faults">/sandbox/faults</a>. Address: {escape(base_url)}</p>',
    )
