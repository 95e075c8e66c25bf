//! A table, with its headings on every page.

use homeroom_objects::documents::{Align, Table};

use crate::lines;
use crate::page::{
    ACCENT, BAND, Block, Composer, HAIRLINE, MARGIN, Mark, Style, TEXT, Turn, real, row_of,
};

/// No column is narrower, whatever its weight, so that the widest letter has room.
const NARROWEST: f32 = 18.0;
/// How high headings that are turned upwards may reach.
const TURNED: f32 = 120.0;
/// What a heading that is too long even so is set in, at last.
const SMALLER: [f32; 7] = [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
/// A heading of more lines is turned, so that no headings fill a page.
const LINES: usize = 6;

/// Sizes and distances, which depend on how many columns share the width.
struct Grid {
    /// Where each column starts, and how wide it is.
    columns: Vec<(f32, f32, Align)>,
    padding: f32,
    body: f32,
    heading: f32,
}

struct Head {
    height: f32,
    cells: Vec<(Block, Turn)>,
}

pub(crate) fn compose(composer: &mut Composer<'_, '_>, table: &Table) {
    let grid = Grid::of(table, MARGIN, composer.measure());
    let head = head(composer, table, &grid);
    let mut is_first = true;
    for (index, row) in table.rows.iter().enumerate() {
        let stands_out = table
            .emphasis
            .iter()
            .any(|row| usize::try_from(*row) == Ok(index));
        let style = Style {
            size: grid.body,
            bold: stands_out,
            ink: TEXT,
        };
        let cells: Vec<Block> = row
            .iter()
            .zip(&grid.columns)
            .map(|(text, (_, width, _))| composer.block(text, style, width - 2.0 * grid.padding))
            .collect();
        let (_, height) = row_of(cells.iter());
        let height = height.max(grid.body * 1.3) + 2.0 * grid.above();
        if is_first {
            // Headings never stand alone at the foot of a page.
            let least = if height > composer.fresh() - head.height {
                60.0
            } else {
                height
            };
            composer.need(head.height + least);
            draw_head(composer, &grid, &head);
            is_first = false;
        }
        draw_row(composer, &grid, &head, &cells, height, stands_out);
    }
    if is_first {
        composer.need(head.height);
        draw_head(composer, &grid, &head);
    }
    composer.y += 14.0;
}

impl Grid {
    fn of(table: &Table, start: f32, measure: f32) -> Self {
        let count = table.columns.len();
        let (padding, body, heading) = match count {
            0..=8 => (6.0, 9.0, 8.0),
            9..=12 => (4.0, 8.5, 7.5),
            13..=20 => (3.0, 8.0, 7.5),
            _ => (1.5, 6.5, 6.5),
        };
        let widths = widths(table, measure, NARROWEST.min(measure / real(count.max(1))));
        let mut x = start;
        let columns = widths
            .into_iter()
            .zip(&table.columns)
            .map(|(width, column)| {
                x += width;
                (x - width, width, column.align)
            });
        Self {
            columns: columns.collect(),
            padding,
            body,
            heading,
        }
    }

    fn above(&self) -> f32 {
        (self.padding * 0.75).max(2.0)
    }
}

/// Shares out the width by weight, after the columns that would be too narrow have got their least.
fn widths(table: &Table, measure: f32, least: f32) -> Vec<f32> {
    let weights: Vec<f32> = table
        .columns
        .iter()
        .map(|column| f32::from(column.weight.max(1)))
        .collect();
    let mut is_least = vec![false; weights.len()];
    loop {
        let kept = is_least.iter().filter(|is_least| **is_least).count();
        let rest = measure - real(kept) * least;
        let total: f32 = weights
            .iter()
            .zip(&is_least)
            .filter(|(_, least)| !**least)
            .map(|(weight, _)| weight)
            .sum();
        let share = |weight: f32| weight * rest / total.max(1.0);
        let mut changed = false;
        for (weight, is_least) in weights.iter().zip(&mut is_least) {
            if !*is_least && share(*weight) < least - 0.01 {
                *is_least = true;
                changed = true;
            }
        }
        if !changed {
            let widths = weights.iter().zip(&is_least);
            return widths
                .map(|(weight, is_least)| if *is_least { least } else { share(*weight) })
                .collect();
        }
    }
}

fn head(composer: &mut Composer<'_, '_>, table: &Table, grid: &Grid) -> Head {
    let style = Style {
        size: grid.heading,
        bold: true,
        ink: ACCENT,
    };
    let inner = |width: f32| width - 2.0 * grid.padding;
    let mut flat = Vec::with_capacity(grid.columns.len());
    for (column, (_, width, _)) in table.columns.iter().zip(&grid.columns) {
        let block = composer.block(&column.heading, style, inner(*width));
        let shaped = composer.shaper.shape(&column.heading, true);
        let word = lines::longest_word(&shaped) * style.size;
        let fits = word <= inner(*width) && block.lines.len() <= LINES;
        // Where one heading is turned, its neighbours are, but not those of wide columns, and no `#`.
        let stays = *width > 3.0 * NARROWEST || word < 1.5 * style.size;
        flat.push((block, fits, stays));
    }
    let turns = flat.iter().any(|(_, fits, _)| !fits);
    let mut cells = Vec::with_capacity(flat.len());
    for ((block, fits, stays), (column, (_, width, _))) in flat
        .into_iter()
        .zip(table.columns.iter().zip(&grid.columns))
    {
        cells.push(if !turns || (stays && fits) {
            (block, Turn::None)
        } else {
            (
                turned(composer, &column.heading, style, inner(*width)),
                Turn::Up,
            )
        });
    }
    let height = |(block, turn): &(Block, Turn)| match turn {
        Turn::Up => block.width() + 6.0,
        _ => block.height(),
    };
    let height = cells.iter().map(height).fold(style.size, f32::max) + 2.0 * grid.above() + 1.0;
    Head { height, cells }
}

/// A heading from the bottom to the top, in as many lines as stand side by side in the column.
fn turned(composer: &mut Composer<'_, '_>, text: &str, style: Style, width: f32) -> Block {
    let mut block = composer.block(text, style, TURNED);
    for size in SMALLER {
        if block.height() <= width {
            break;
        }
        block = composer.block(text, Style { size, ..style }, TURNED);
    }
    block
}

fn draw_head(composer: &mut Composer<'_, '_>, grid: &Grid, head: &Head) {
    let (start, measure, y) = (MARGIN, composer.measure(), composer.y);
    composer.fill(start, y, measure, head.height, BAND);
    let foot = y + head.height - grid.above() - 1.0;
    for ((block, turn), (x, width, align)) in head.cells.iter().zip(&grid.columns) {
        let (x, inner) = (x + grid.padding, width - 2.0 * grid.padding);
        if *turn == Turn::None {
            composer.put(block, x, inner, foot - block.height(), *align);
            continue;
        }
        let indent = match align {
            Align::Start => 0.0,
            Align::Center => (inner - block.height()) / 2.0,
            Align::End => inner - block.height(),
        };
        let left = composer.left(x + indent, block.height());
        for (index, line) in block.lines.iter().enumerate() {
            composer.mark(Mark::Text {
                line: line.clone(),
                x: left + real(index) * block.leading + block.ascent,
                y: foot,
                size: block.style.size,
                ink: block.style.ink,
                turn: Turn::Up,
            });
        }
    }
    composer.y += head.height;
    composer.fill(start, composer.y - 1.0, measure, 1.0, ACCENT);
}

fn draw_row(
    composer: &mut Composer<'_, '_>,
    grid: &Grid,
    head: &Head,
    cells: &[Block],
    height: f32,
    stands_out: bool,
) {
    if height > composer.fresh() - head.height {
        return draw_in_parts(composer, grid, head, cells);
    }
    if composer.y + height > composer.bottom {
        composer.turn_over();
        draw_head(composer, grid, head);
    }
    draw_part(composer, grid, cells, stands_out, 0..usize::MAX, height);
}

fn draw_in_parts(composer: &mut Composer<'_, '_>, grid: &Grid, head: &Head, cells: &[Block]) {
    let leading = cells.iter().map(|cell| cell.leading).fold(1.0, f32::max);
    let count = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0);
    let mut from = 0;
    while from < count {
        if from > 0 || composer.y + 60.0 > composer.bottom {
            composer.turn_over();
            draw_head(composer, grid, head);
        }
        let (baseline, _) = row_of(cells.iter());
        let room = composer.bottom - composer.y - 2.0 * grid.above() - baseline;
        let mut fit = 1;
        while from + fit < count && real(fit + 1) * leading <= room {
            fit += 1;
        }
        let height = baseline + real(fit) * leading + 2.0 * grid.above();
        draw_part(composer, grid, cells, false, from..from + fit, height);
        from += fit;
    }
}

fn draw_part(
    composer: &mut Composer<'_, '_>,
    grid: &Grid,
    cells: &[Block],
    stands_out: bool,
    lines: std::ops::Range<usize>,
    height: f32,
) {
    let (start, measure, y) = (MARGIN, composer.measure(), composer.y);
    if stands_out {
        composer.fill(start, y, measure, height, BAND);
    }
    let (baseline, _) = row_of(cells.iter());
    for (cell, (x, width, align)) in cells.iter().zip(&grid.columns) {
        let end = lines.end.min(cell.lines.len());
        let lines = lines.start.min(end)..end;
        let inner = width - 2.0 * grid.padding;
        let y = y + grid.above() + baseline - cell.ascent;
        composer.put_lines(cell, lines, x + grid.padding, inner, y, *align);
    }
    composer.y += height;
    composer.fill(start, composer.y - 0.5, measure, 0.5, HAIRLINE);
}
