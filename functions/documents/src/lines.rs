//! From glyphs to lines of a given width.

use std::ops::Range;
use std::rc::Rc;

use crate::text::{Cluster, Glyph, Run, Shaped};

/// One line of a text; its width is in em.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) shaped: Rc<Shaped>,
    clusters: Range<usize>,
    pub(crate) width: f32,
}

/// What is drawn at one go: neighbouring glyphs of one run.
pub(crate) struct Piece<'l> {
    pub(crate) run: &'l Run,
    pub(crate) glyphs: &'l [Glyph],
}

/// Takes a text apart into lines of at most `width` em: between words where it can, within one where it must.
pub(crate) fn wrap(shaped: &Rc<Shaped>, width: f32) -> Vec<Line> {
    let clusters = &shaped.clusters;
    let mut lines = Vec::new();
    let (mut start, mut used, mut good) = (0, 0.0, None);
    for (at, cluster) in clusters.iter().enumerate() {
        if cluster.may_begin && at > start {
            good = Some(at);
        }
        // A space at the end of a line takes no room.
        if !cluster.is_space && used + cluster.advance > width + 0.001 && at > start {
            let next = good.take().unwrap_or(at);
            lines.push(line(shaped, start..next));
            start = next;
            used = sum(clusters, start..at);
        }
        used += cluster.advance;
    }
    lines.push(line(shaped, start..clusters.len()));
    lines
}

/// The width of the longest part that is only taken apart where it must be, in em.
pub(crate) fn longest_word(shaped: &Shaped) -> f32 {
    let (mut longest, mut word) = (0.0_f32, 0.0);
    for cluster in &shaped.clusters {
        if cluster.may_begin {
            word = 0.0;
        }
        if !cluster.is_space {
            word += cluster.advance;
            longest = longest.max(word);
        }
    }
    longest
}

fn sum(clusters: &[Cluster], range: Range<usize>) -> f32 {
    let clusters = clusters.get(range).unwrap_or_default();
    clusters.iter().map(|cluster| cluster.advance).sum()
}

fn line(shaped: &Rc<Shaped>, mut range: Range<usize>) -> Line {
    let is_space = |at: usize| {
        shaped
            .clusters
            .get(at)
            .is_some_and(|cluster| cluster.is_space)
    };
    while !range.is_empty() && is_space(range.end - 1) {
        range.end -= 1;
    }
    while !range.is_empty() && is_space(range.start) {
        range.start += 1;
    }
    Line {
        width: sum(&shaped.clusters, range.clone()),
        shaped: shaped.clone(),
        clusters: range,
    }
}

impl Line {
    /// From left to right.
    pub(crate) fn pieces(&self) -> Vec<Piece<'_>> {
        let clusters = self
            .shaped
            .clusters
            .get(self.clusters.clone())
            .unwrap_or_default();
        let mut pieces: Vec<(u8, usize, Range<usize>)> = Vec::new();
        for cluster in clusters {
            match pieces.last_mut() {
                Some((_, run, glyphs)) if *run == cluster.run => {
                    glyphs.start = glyphs.start.min(cluster.glyphs.start);
                    glyphs.end = glyphs.end.max(cluster.glyphs.end);
                }
                _ => {
                    let level = self.shaped.runs.get(cluster.run).map_or(0, |run| run.level);
                    pieces.push((level, cluster.run, cluster.glyphs.clone()));
                }
            }
        }
        // Rule L2 of the Unicode bidirectional algorithm.
        let highest = pieces.iter().map(|piece| piece.0).max().unwrap_or(0);
        for level in (1..=highest).rev() {
            for part in pieces.split_mut(|piece| piece.0 < level) {
                part.reverse();
            }
        }
        let piece = |(_, run, glyphs): (u8, usize, Range<usize>)| {
            let run = self.shaped.runs.get(run)?;
            Some(Piece {
                run,
                glyphs: run.glyphs.get(glyphs)?,
            })
        };
        pieces.into_iter().filter_map(piece).collect()
    }
}
