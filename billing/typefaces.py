"""Fonts of a PDF, which carries them with it: DejaVu has most alphabets, and what it lacks is Chinese, Japanese and Korean.

Those three come from the fonts that PDF names and every reader brings (Adobe's CID fonts), for embedding them would be 20 MB. What no font
has is shown as an empty box: one can see that something stands there.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import groupby
from xml.sax.saxutils import escape

from django.conf import settings
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD = "DejaVu", "DejaVu-Bold"
CHINESE, JAPANESE, KOREAN = "STSong-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
MISSING = "□"


@cache
def register() -> frozenset[int]:
    """Make the fonts known, once a process; returns the code points that DejaVu has."""
    folder = settings.BASE_DIR / "static" / "vendor" / "dejavu"
    plain = TTFont(PLAIN, str(folder / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(plain)
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "DejaVuSans-Bold.ttf")))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    for name in (CHINESE, JAPANESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return frozenset(plain.face.charToGlyph)


def marked_up(text: str) -> str:
    """The text as a paragraph of reportlab's, with the font of each piece; whatever people write in a name is no markup."""
    known = register()
    clean = "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Co") else " " for c in unicodedata.normalize("NFC", text))
    pieces = []
    for font, letters in groupby(clean, key=lambda letter: _font(letter, known)):
        piece = escape("".join(letters))
        if font == MISSING:
            piece = MISSING * len(piece)
        pieces.append(f'<font name="{font}">{piece}</font>' if font not in ("", MISSING) else piece)
    return "".join(pieces)


def _font(letter: str, known: frozenset[int]) -> str:
    """Empty for the paragraph's own font."""
    if ord(letter) in known or letter.isspace():
        return ""
    name = unicodedata.name(letter, "")
    if name.startswith(("HIRAGANA", "KATAKANA")):
        return JAPANESE
    if name.startswith("HANGUL"):
        return KOREAN
    if name.startswith(("CJK", "IDEOGRAPHIC", "FULLWIDTH")):
        return CHINESE
    return MISSING
