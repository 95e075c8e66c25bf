#!/usr/bin/env python3
"""Makes the fonts of this folder from three Debian packages; see README.md. Needs fonttools."""

import os
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

NOTO = "/usr/share/fonts/truetype/noto"
CJK = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
DROID = "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"
HERE = os.path.dirname(os.path.abspath(__file__))

# Latin, IPA, marks, Greek, Cyrillic, Vietnamese, punctuation, currencies, letterlike, arrows, operators.
BASE = [
    *range(0x0020, 0x007F), *range(0x00A0, 0x0530), *range(0x1AB0, 0x1B00), *range(0x1C80, 0x1C90),
    *range(0x1D00, 0x2000), *range(0x2000, 0x2C00), *range(0x2C60, 0x2C80), *range(0x2DE0, 0x2E80),
    *range(0xA640, 0xA6A0), *range(0xA700, 0xA7FF + 1), *range(0xA92E, 0xA92F), *range(0xAB30, 0xAB70),
    *range(0xFB00, 0xFB07), *range(0xFE20, 0xFE30), 0x25CC, 0xFEFF, 0xFFFD,
]

# What shaping asks for by itself: every document has the base, and alternate forms would only make it larger.
SHAPING = ["calt", "ccmp", "clig", "kern", "liga", "locl", "mark", "mkmk", "rlig"]

# Script names as Unicode has them, and the font of each: those that people write today.
SCRIPTS = """
Adlam Arabic Armenian Balinese Bamum BassaVah=Bassa_Vah Batak Bengali Buginese Buhid
CanadianAboriginal=Canadian_Aboriginal Chakma Cham Cherokee Coptic Deseret Devanagari Duployan Ethiopic Georgian
Glagolitic Gothic GunjalaGondi=Gunjala_Gondi Gujarati Gurmukhi HanifiRohingya=Hanifi_Rohingya Hanunoo Hebrew Javanese
Kaithi Kannada KayahLi=Kayah_Li Khmer Khojki Khudawadi Lao Lepcha Limbu Lisu Mahajani Malayalam Mandaic
MasaramGondi=Masaram_Gondi Medefaidrin MeeteiMayek=Meetei_Mayek MendeKikakui=Mende_Kikakui Miao Modi Mongolian Mro
Multani Myanmar NKo=Nko Newa NewTaiLue=New_Tai_Lue Nushu OlChiki=Ol_Chiki Oriya Osage Osmanya PahawhHmong=Pahawh_Hmong
PauCinHau=Pau_Cin_Hau PhagsPa=Phags_Pa Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sinhala
SoraSompeng=Sora_Sompeng Soyombo Sundanese SylotiNagri=Syloti_Nagri Syriac Tagalog Tagbanwa TaiLe=Tai_Le
TaiTham=Tai_Tham TaiViet=Tai_Viet Takri Tamil Telugu Thaana Thai Tifinagh Tirhuta Vai Wancho WarangCiti=Warang_Citi Yi
ZanabazarSquare=Zanabazar_Square
""".split()
SERIF = ["Dogra", "NyiakengPuachueHmong=Nyiakeng_Puachue_Hmong", "Tibetan", "Yezidi"]


def make(source, target, unicodes=None, number=-1, features=("*",)):
    options = subset.Options()
    options.layout_features = list(features)
    options.hinting = False
    options.notdef_outline = True
    options.glyph_names = False
    options.name_IDs = [0, 1, 2, 6, 13, 14]
    options.drop_tables += ["DSIG", "MATH", "FFTM", "meta"]
    options.font_number = number
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=unicodes if unicodes is not None else font.getBestCmap().keys())
    subsetter.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, target, options)
    print(f"{os.path.getsize(target):>9} {os.path.relpath(target, HERE)}")


def main():
    for weight in ("Regular", "Bold"):
        make(f"{NOTO}/NotoSans-{weight}.ttf", f"{HERE}/files/{weight}.ttf", BASE, features=SHAPING)
    for family, names in (("NotoSans", SCRIPTS), ("NotoSerif", SERIF)):
        for name in names:
            file, _, script = name.partition("=")
            make(f"{NOTO}/{family}{file}-Regular.ttf", f"{HERE}/files/{script or file}.ttf")
    make(f"{NOTO}/NotoSansSymbols2-Regular.ttf", f"{HERE}/files/Symbols.ttf")
    make(DROID, f"{HERE}/files/Han.ttf")
    # Korean syllables, and the rare Chinese characters that the font before lacks, from the Korean and Taiwanese cuts.
    hangul = [*range(0x1100, 0x1200), *range(0x3131, 0x318F), *range(0xA960, 0xA97D), *range(0xAC00, 0xD7FC)]
    make(CJK, f"{HERE}/files/Hangul.ttf", hangul, 1)
    rare = [*range(0x9FA6, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x323B0)]
    make(CJK, f"{HERE}/files/Han_Rare.ttf", rare, 3)


sys.exit(main())
