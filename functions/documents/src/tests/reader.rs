//! Reads a PDF with a parser that this project did not write: what a reader could select, and how fonts are embedded.

use std::collections::BTreeMap;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, Stream, String as Text};

/// One piece of text, in points from the upper left corner.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// One picture: where it is drawn, in points from the upper left corner, and how large.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// One page: its pieces and pictures in the order in which they are drawn.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) pieces: Vec<Piece>,
    pub(super) pictures: Vec<Picture>,
}

impl Page {
    /// All text of the page.
    pub(super) fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }

    /// The text of each line from top to bottom, in the order of drawing.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: BTreeMap<i64, String> = BTreeMap::new();
        for piece in &self.pieces {
            #[expect(clippy::cast_possible_truncation, reason = "points of a page")]
            let y = (piece.y * 10.0) as i64;
            lines.entry(y).or_default().push_str(&piece.text);
        }
        lines.into_values().collect()
    }
}

/// Every page; fails the test when a font is not embedded as a subset with a way back to Unicode.
pub(super) fn read(pdf: &[u8]) -> Vec<Page> {
    let pdf = Pdf::new(pdf.to_vec()).expect("a PDF");
    let mut pages = Vec::new();
    for page in pdf.pages().iter() {
        let mut fonts: BTreeMap<String, BTreeMap<u16, String>> = BTreeMap::new();
        let (mut font, mut at) = (String::new(), (0.0, 0.0));
        // What stands for the glyphs until the end of the marked content; taken by the first of them.
        let mut stands: Vec<Option<String>> = Vec::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut pictures = Vec::new();
        let (width, height) = page.base_dimensions();
        let mut place = Place::default();
        let mut places = Vec::new();
        let mut operations = page.operations();
        while let Some(operation) = operations.next() {
            let operands: Vec<Object<'_>> = operation.operands().cloned().collect();
            match &**operation.operator {
                b"Tf" => {
                    let name = operands[0].clone().into_name().expect("a font's name");
                    name.as_str().clone_into(&mut font);
                    fonts.entry(font.clone()).or_insert_with(|| {
                        unicode(&page.resources().get_font(&name).expect("a font"))
                    });
                }
                b"q" => places.push(place.clone()),
                b"Q" => place = places.pop().expect("a state that was kept"),
                b"cm" => place = place.within(operands.iter().map(number).collect()),
                b"Do" => {
                    let name = operands[0].clone().into_name().expect("a picture's name");
                    let picture = page.resources().get_x_object(&name).expect("an object");
                    let kind = picture.dict().get::<Name<'_>>("Subtype").expect("a kind");
                    assert_eq!(kind.as_str(), "Image");
                    pictures.push(place.picture(height.into()));
                }
                b"Tm" => at = (number(&operands[4]), number(&operands[5])),
                b"BDC" => stands.push(operands.get(1).and_then(actual_text)),
                b"EMC" => drop(stands.pop()),
                b"Tj" | b"TJ" => {
                    let text = match stands.last_mut() {
                        Some(Some(actual)) => std::mem::take(actual),
                        _ => codes(&operands[0])
                            .iter()
                            .map(|code| fonts[&font][code].as_str())
                            .collect(),
                    };
                    pieces.push(Piece {
                        text,
                        x: at.0,
                        y: at.1,
                    });
                }
                _ => {}
            }
        }
        pages.push(Page {
            width,
            height,
            pieces,
            pictures,
        });
    }
    pages
}

/// The title and the author that the file names.
pub(super) fn title_and_author(pdf: &[u8]) -> [String; 2] {
    let pdf = Pdf::new(pdf.to_vec()).expect("a PDF");
    let about = pdf.metadata();
    [&about.title, &about.author].map(|text| utf16_or_ascii(text.as_deref().unwrap_or_default()))
}

/// Scale and shift from what is drawn to the page; nothing but text is ever turned.
#[derive(Debug, Clone)]
struct Place {
    scale: (f64, f64),
    shift: (f64, f64),
}

impl Default for Place {
    fn default() -> Self {
        Self {
            scale: (1.0, 1.0),
            shift: (0.0, 0.0),
        }
    }
}

impl Place {
    fn within(&self, matrix: Vec<f64>) -> Self {
        Self {
            scale: (self.scale.0 * matrix[0], self.scale.1 * matrix[3]),
            shift: (
                self.shift.0 + self.scale.0 * matrix[4],
                self.shift.1 + self.scale.1 * matrix[5],
            ),
        }
    }

    /// The unit square, into which pictures are drawn.
    fn picture(&self, page_height: f64) -> Picture {
        let (width, height) = self.scale;
        Picture {
            x: self.shift.0,
            y: page_height - self.shift.1.max(self.shift.1 + height),
            width,
            height: height.abs(),
        }
    }
}

fn number(object: &Object<'_>) -> f64 {
    object
        .clone()
        .into_number()
        .map(|number: Number| number.as_f64())
        .expect("a number")
}

fn codes(object: &Object<'_>) -> Vec<u16> {
    let mut codes = Vec::new();
    let mut add = |text: &Text<'_>| {
        codes.extend(
            text.as_bytes()
                .chunks(2)
                .map(|code| u16::from_be_bytes([code[0], code[1]])),
        );
    };
    match object {
        Object::String(text) => add(text),
        Object::Array(parts) => parts.iter::<Object<'_>>().for_each(|part| {
            if let Object::String(text) = part {
                add(&text);
            }
        }),
        other => panic!("not a text: {other}"),
    }
    codes
}

fn actual_text(properties: &Object<'_>) -> Option<String> {
    let properties = properties.clone().into_dict()?;
    Some(utf16_or_ascii(
        properties.get::<Text<'_>>("ActualText")?.as_bytes(),
    ))
}

fn utf16_or_ascii(bytes: &[u8]) -> String {
    match bytes.strip_prefix(b"\xfe\xff") {
        Some(bytes) => {
            let units: Vec<u16> = bytes
                .chunks(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
                .collect();
            String::from_utf16(&units).expect("UTF-16")
        }
        None => String::from_utf8(bytes.to_vec()).expect("ASCII"),
    }
}

/// From the codes of a font to characters.
fn unicode(font: &Dict<'_>) -> BTreeMap<u16, String> {
    let name = font.get::<Name<'_>>("BaseFont").expect("a name");
    assert_eq!(
        name.as_str().as_bytes()[6],
        b'+',
        "{} is not a subset",
        name.as_str()
    );
    let inner = font.get::<Array<'_>>("DescendantFonts").expect("fonts");
    let inner = inner.iter::<Dict<'_>>().next().expect("a font");
    let descriptor = inner
        .get::<Dict<'_>>("FontDescriptor")
        .expect("a descriptor");
    let file = ["FontFile2", "FontFile3"]
        .iter()
        .find_map(|key| descriptor.get::<Stream<'_>>(*key));
    assert!(file.is_some(), "{} is not embedded", name.as_str());

    let map = font
        .get::<Stream<'_>>("ToUnicode")
        .expect("a way back to Unicode");
    let map =
        String::from_utf8(map.decoded().expect("a readable stream").into_owned()).expect("ASCII");
    let mut characters = BTreeMap::new();
    for line in map.lines() {
        let parts: Vec<&str> = line
            .split(['<', '>', ' '])
            .filter(|part| !part.is_empty())
            .collect();
        let [code, text] = parts[..] else { continue };
        let (Ok(code), true) = (u16::from_str_radix(code, 16), text.len() % 4 == 0) else {
            continue;
        };
        let unit = |at: usize| u16::from_str_radix(&text[at..at + 4], 16).ok();
        if let Some(units) = (0..text.len())
            .step_by(4)
            .map(unit)
            .collect::<Option<Vec<u16>>>()
        {
            characters.insert(code, String::from_utf16_lossy(&units));
        }
    }
    characters
}
