//! One sheet from its letterhead to its signatures.

use homeroom_objects::documents::{Align, Fact, Letterhead, Orientation, Paragraph, Sheet};

use crate::page::{ACCENT, BAND, Composer, MARGIN, Mark, Page, QUIET, Style, TEXT, real, row_of};
use crate::table;
use crate::text::Shaper;

/// What a logo is fitted into: 50 mm wide, 20 mm high.
const LOGO: (f32, f32) = (141.7, 56.7);
const GAP: f32 = 12.0;
const LABEL: Style = Style {
    size: 7.5,
    bold: false,
    ink: QUIET,
};
const VALUE: Style = Style {
    size: 9.5,
    bold: true,
    ink: TEXT,
};
const RESULT: Style = Style {
    size: 12.0,
    bold: true,
    ink: ACCENT,
};
const HEADING: Style = Style {
    size: 9.5,
    bold: true,
    ink: ACCENT,
};
const RUNNING: Style = Style {
    size: 9.5,
    bold: false,
    ink: TEXT,
};

/// Sets a sheet; `logo` is the width and height of the letterhead's picture, in any unit.
pub(crate) fn compose(
    shaper: &mut Shaper<'_>,
    letterhead: &Letterhead,
    logo: Option<(f32, f32)>,
    sheet: &Sheet,
) -> Vec<Page> {
    let mut composer = Composer::new(shaper, sheet);
    head(&mut composer, letterhead, logo);
    title(&mut composer, sheet);
    let wide = sheet.orientation == Orientation::Landscape;
    facts(&mut composer, &sheet.facts, if wide { 5 } else { 3 });
    if let Some(table) = &sheet.table {
        table::compose(&mut composer, table);
    }
    summary(&mut composer, &sheet.summary, if wide { 6 } else { 4 });
    for paragraph in &sheet.paragraphs {
        running_text(&mut composer, paragraph);
    }
    signatures(&mut composer, &sheet.signatures);
    composer.finish()
}

fn head(composer: &mut Composer<'_, '_>, letterhead: &Letterhead, logo: Option<(f32, f32)>) {
    let logo = logo.map(|(width, height)| {
        let scale = (LOGO.0 / width.max(1.0)).min(LOGO.1 / height.max(1.0));
        (width * scale, height * scale)
    });
    let (start, measure) = (MARGIN, composer.measure());
    let indent = logo.map_or(0.0, |(width, _)| width + 14.0);
    let name = Style {
        size: 16.0,
        bold: true,
        ink: ACCENT,
    };
    let line = Style {
        size: 8.5,
        bold: false,
        ink: QUIET,
    };
    let mut blocks = vec![composer.block(&letterhead.name, name, measure - indent)];
    for text in &letterhead.lines {
        blocks.push(composer.block(text, line, measure - indent));
    }
    let text: f32 = blocks.iter().map(crate::page::Block::height).sum();
    let height = text.max(logo.map_or(0.0, |(_, height)| height));
    if height == 0.0 {
        return;
    }
    if let Some((width, own)) = logo {
        let (x, y) = (
            composer.left(start, width),
            composer.y + (height - own) / 2.0,
        );
        composer.mark(Mark::Logo {
            x,
            y,
            width,
            height: own,
        });
    }
    let mut y = composer.y + (height - text) / 2.0;
    for block in &blocks {
        composer.put(block, start + indent, measure - indent, y, Align::Start);
        y += block.height();
    }
    composer.y += height + 9.0;
    composer.fill(start, composer.y, measure, 1.4, ACCENT);
    composer.y += 13.0;
}

fn title(composer: &mut Composer<'_, '_>, sheet: &Sheet) {
    let (start, measure) = (MARGIN, composer.measure());
    let mut any = false;
    for (text, style) in [
        (
            &sheet.title,
            Style {
                size: 15.0,
                bold: true,
                ink: TEXT,
            },
        ),
        (
            &sheet.subtitle,
            Style {
                size: 10.0,
                bold: false,
                ink: QUIET,
            },
        ),
    ] {
        let block = composer.block(text, style, measure);
        composer.put(&block, start, measure, composer.y, Align::Start);
        composer.y += block.height();
        any |= !block.lines.is_empty();
    }
    if any {
        composer.y += GAP;
    }
}

fn facts(composer: &mut Composer<'_, '_>, facts: &[Fact], across: usize) {
    if facts.is_empty() {
        return;
    }
    let (start, measure) = (MARGIN, composer.measure());
    let across = across.min(facts.len());
    let width = (measure - 14.0 * real(across - 1)) / real(across);
    for row in facts.chunks(across) {
        let cells: Vec<_> = row
            .iter()
            .map(|fact| {
                let label = composer.block(&fact.label, LABEL, width);
                (label, composer.block(&fact.value, VALUE, width))
            })
            .collect();
        // Values stand on one line with their neighbours' even where a label takes two.
        let labels = cells
            .iter()
            .map(|(label, _)| label.height())
            .fold(0.0, f32::max);
        let (baseline, values) = row_of(cells.iter().map(|(_, value)| value));
        composer.need(labels + values);
        for (index, (label, value)) in cells.iter().enumerate() {
            let x = start + real(index) * (width + 14.0);
            composer.put(
                label,
                x,
                width,
                composer.y + labels - label.height(),
                Align::Start,
            );
            let lower = baseline - value.ascent;
            composer.put(value, x, width, composer.y + labels + lower, Align::Start);
        }
        composer.y += labels + values + 7.0;
    }
    composer.y += GAP - 5.0;
}

fn summary(composer: &mut Composer<'_, '_>, results: &[Fact], across: usize) {
    if results.is_empty() {
        return;
    }
    let (start, measure) = (MARGIN, composer.measure());
    // Nothing stands alone on a row of its own: that row is often what a page has no more room for.
    let across = across + usize::from(results.len() % across == 1);
    let across = across.min(results.len());
    let width = (measure - 8.0 * real(across - 1)) / real(across);
    let inner = width - 18.0;
    for row in results.chunks(across) {
        let cells: Vec<_> = row
            .iter()
            .map(|fact| {
                let label = composer.block(&fact.label, LABEL, inner);
                (label, composer.block(&fact.value, RESULT, inner))
            })
            .collect();
        let labels = cells
            .iter()
            .map(|(label, _)| label.height())
            .fold(0.0, f32::max);
        let (baseline, values) = row_of(cells.iter().map(|(_, value)| value));
        let height = labels + values + 13.0;
        composer.need(height);
        for (index, (label, value)) in cells.iter().enumerate() {
            let x = start + real(index) * (width + 8.0);
            composer.fill(x, composer.y, width, height, BAND);
            composer.fill(x, composer.y, 2.0, height, ACCENT);
            composer.put(label, x + 10.0, inner, composer.y + 6.0, Align::Start);
            let y = composer.y + 6.0 + labels + baseline - value.ascent;
            composer.put(value, x + 10.0, inner, y, Align::Start);
        }
        composer.y += height + 8.0;
    }
    composer.y += GAP - 4.0;
}

fn running_text(composer: &mut Composer<'_, '_>, paragraph: &Paragraph) {
    let (start, measure) = (MARGIN, composer.measure());
    let heading = composer.block(&paragraph.heading, HEADING, measure);
    let lines = crate::clean::lines(&paragraph.text);
    // A heading is never the last line of a page.
    composer.need(heading.height() + 2.6 * RUNNING.size);
    composer.put(&heading, start, measure, composer.y, Align::Start);
    composer.y += heading.height() + 1.5;
    for text in lines {
        let block = composer.block(&text, RUNNING, measure);
        if block.lines.is_empty() {
            composer.y += RUNNING.size * 0.7;
        }
        // A text in a script of the other direction begins at its own side.
        let align = if block.rtl == composer.shaper.rtl {
            Align::Start
        } else {
            Align::End
        };
        for line in 0..block.lines.len() {
            composer.need(block.leading);
            composer.put_lines(&block, line..line + 1, start, measure, composer.y, align);
            composer.y += block.leading + 0.8;
        }
    }
    composer.y += GAP - 2.0;
}

fn signatures(composer: &mut Composer<'_, '_>, signatures: &[String]) {
    const ACROSS: usize = 3;
    const ROOM: f32 = 28.0;
    let (start, measure) = (MARGIN, composer.measure());
    let width = (measure - 26.0 * real(ACROSS - 1)) / real(ACROSS);
    for row in signatures.chunks(ACROSS) {
        let style = Style {
            size: 8.0,
            bold: false,
            ink: QUIET,
        };
        let labels: Vec<_> = row
            .iter()
            .map(|text| composer.block(text, style, width))
            .collect();
        let height = labels
            .iter()
            .map(crate::page::Block::height)
            .fold(0.0, f32::max);
        composer.need(ROOM + 4.0 + height);
        let y = composer.y + ROOM;
        for (index, label) in labels.iter().enumerate() {
            let x = start + real(index) * (width + 26.0);
            composer.fill(x, y, width, 0.7, TEXT);
            composer.put(label, x, width, y + 4.0, Align::Start);
        }
        composer.y = y + 4.0 + height + 6.0;
    }
}
