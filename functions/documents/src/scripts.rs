//! Which font file a character is printed with, where those that every document needs do not have it.

use homeroom_objects::documents::DocumentRequest;
use unicode_script::{Script, UnicodeScript};

use crate::fonts::Fonts;

/// Chinese characters and Japanese syllables.
const HAN: &str = "Han";
/// Chinese characters beyond the first 28,000.
const HAN_RARE: &str = "Han_Rare";
/// Signs that belong to no script.
const SYMBOLS: &str = "Symbols";

/// The files by script in `fonts/files`, without their ending, in the order of their names.
pub const FILES: [&str; 101] = [
    "Adlam",
    "Arabic",
    "Armenian",
    "Balinese",
    "Bamum",
    "Bassa_Vah",
    "Batak",
    "Bengali",
    "Buginese",
    "Buhid",
    "Canadian_Aboriginal",
    "Chakma",
    "Cham",
    "Cherokee",
    "Coptic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Gujarati",
    "Gunjala_Gondi",
    "Gurmukhi",
    "Han",
    "Han_Rare",
    "Hangul",
    "Hanifi_Rohingya",
    "Hanunoo",
    "Hebrew",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Kayah_Li",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Mahajani",
    "Malayalam",
    "Mandaic",
    "Masaram_Gondi",
    "Medefaidrin",
    "Meetei_Mayek",
    "Mende_Kikakui",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "New_Tai_Lue",
    "Newa",
    "Nko",
    "Nushu",
    "Nyiakeng_Puachue_Hmong",
    "Ol_Chiki",
    "Oriya",
    "Osage",
    "Osmanya",
    "Pahawh_Hmong",
    "Pau_Cin_Hau",
    "Phags_Pa",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sora_Sompeng",
    "Soyombo",
    "Sundanese",
    "Syloti_Nagri",
    "Symbols",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Tai_Le",
    "Tai_Tham",
    "Tai_Viet",
    "Takri",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Vai",
    "Wancho",
    "Warang_Citi",
    "Yezidi",
    "Yi",
    "Zanabazar_Square",
];

/// The files that a request needs beyond those that are here already.
#[must_use]
pub fn wanted(request: &DocumentRequest, fonts: &Fonts) -> Vec<&'static str> {
    let mut wanted = Vec::new();
    let mut last = ' ';
    each_text(request, &mut |text| {
        for character in text.chars() {
            // Most characters repeat their neighbour's script; equal ones need no second look.
            if character == last || character.is_control() || fonts.has(character) {
                continue;
            }
            last = character;
            if let Some(file) = file_of(character)
                && !wanted.contains(&file)
                && !fonts.holds(file)
            {
                wanted.push(file);
            }
        }
    });
    wanted.sort_unstable();
    wanted
}

fn file_of(character: char) -> Option<&'static str> {
    let script = character.script();
    match script {
        Script::Han if matches!(u32::from(character), 0x9FA6..=0x9FFF | 0xF900..=0xFAFF | 0x20000..) => {
            known(HAN_RARE)
        }
        Script::Han | Script::Hiragana | Script::Katakana | Script::Bopomofo => known(HAN),
        // Punctuation that several scripts share comes with the first of them.
        Script::Common | Script::Inherited => match u32::from(character) {
            0x3000..=0x33FF | 0xFE30..=0xFE4F | 0xFF00..=0xFFEF => known(HAN),
            _ => character
                .script_extension()
                .iter()
                .find_map(|script| known(script.full_name()))
                .or_else(|| known(SYMBOLS)),
        },
        _ => known(script.full_name()),
    }
}

fn known(name: &str) -> Option<&'static str> {
    let at = FILES.binary_search(&name).ok()?;
    FILES.get(at).copied()
}

fn each_text(request: &DocumentRequest, see: &mut impl FnMut(&str)) {
    see(&request.letterhead.name);
    request.letterhead.lines.iter().for_each(|text| see(text));
    for sheet in &request.sheets {
        for text in [&sheet.title, &sheet.subtitle, &sheet.footer] {
            see(text);
        }
        sheet
            .watermark
            .iter()
            .chain(&sheet.signatures)
            .for_each(|text| see(text));
        for fact in sheet.facts.iter().chain(&sheet.summary) {
            see(&fact.label);
            see(&fact.value);
        }
        for paragraph in &sheet.paragraphs {
            see(&paragraph.heading);
            see(&paragraph.text);
        }
        if let Some(table) = &sheet.table {
            table.columns.iter().for_each(|column| see(&column.heading));
            table.rows.iter().flatten().for_each(|cell| see(cell));
        }
    }
}
