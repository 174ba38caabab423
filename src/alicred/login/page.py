"""The page that a person sees last in the browser: plain HTML, without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Callable

import attrs

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --paper: #f6f8fa; --card: #ffffff; --edge: #d1d9e0; --mark: #1a7f37 }
.bad { --mark: #cf222e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f0f6fc; --quiet: #9198a1; --paper: #0d1117; --card: #151b23; --edge: #3d444d; --mark: #3fb950 }
  .bad { --mark: #f85149 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", sans-serif }
main { width: 100%; max-width: 30rem; padding: 2.25rem 2.5rem; background: var(--card); border: 1px solid var(--edge); border-radius: 12px;
  border-top: 4px solid var(--mark) }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.3 }
p { margin: 0; color: var(--quiet) }
footer { margin-top: 1.75rem; font-size: .8125rem; color: var(--quiet) }
"""
# Takes the code and the state out of the address bar and the history.
_SCRIPT = "history.replaceState(null,'',location.pathname)"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What goes with every page: it loads nothing, is kept nowhere, and tells no other site where it was."""


@attrs.frozen
class Page:
    """Pages in one language. A value.

    Args:
        translate: From the English text to that of the language.
        language: The language's code.
    """

    translate: Callable[[str], str] = str
    language: str = "en"

    def html(self, title: str, text: str, *, good: bool) -> str:
        """A page with a title and a sentence or two, both in English here."""
        heading, body = (html.escape(self.translate(each)) for each in (title, text))
        mark = "good" if good else "bad"
        return (
            f'<!DOCTYPE html>\n<html lang="{html.escape(self.language)}">\n<head>\n<meta charset="utf-8">\n<title>{heading}</title>\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n"
            f'<main class="{mark}">\n<h1>{heading}</h1>\n<p>{body}</p>\n<footer>alicred</footer>\n</main>\n'
            f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
        )
