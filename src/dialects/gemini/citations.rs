//! Sources of an answer: `groundingMetadata`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::hub::Citation;

/// As much of the text said so far as is needed to tell places in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    bytes: u64,
    /// Places are told in bytes, and no more are characters.
    has_wide: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grounding {
    #[serde(default)]
    grounding_chunks: Vec<Chunk>,
    #[serde(default)]
    grounding_supports: Vec<Support>,
}

#[derive(Deserialize)]
struct Chunk {
    // [?] The other two are not among our facts.
    #[serde(alias = "retrievedContext", alias = "maps")]
    web: Option<Source>,
}

#[derive(Clone, Deserialize)]
struct Source {
    uri: Option<String>,
    title: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Support {
    segment: Option<Segment>,
    #[serde(default)]
    grounding_chunk_indices: Vec<usize>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Segment {
    part_index: u64,
    start_index: u64,
    end_index: u64,
}

impl Said {
    /// `text` is said.
    pub fn add(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        self.has_wide |= !text.is_ascii();
    }

    /// A place in it, where that is simple: the text is not kept.
    fn range(self, segment: &Segment) -> Option<(u64, u64)> {
        let is_within = segment.start_index < segment.end_index && segment.end_index <= self.bytes;
        (segment.part_index == 0 && !self.has_wide && is_within).then_some((segment.start_index, segment.end_index))
    }
}

/// The sources, once for each place that is told of them.
pub fn read(raw: &RawValue, said: Said) -> Vec<Citation> {
    let Ok(told) = serde_json::from_str::<Grounding>(raw.get()) else { return Vec::new() };
    let source = |at: usize| told.grounding_chunks.get(at).and_then(|chunk| chunk.web.clone());
    let citation = |at: usize, range| {
        let Source { uri, title, text } = source(at)?;
        Some(Citation { url: uri, title, quote: text, range })
    };
    if told.grounding_supports.is_empty() {
        return (0..told.grounding_chunks.len()).filter_map(|at| citation(at, None)).collect();
    }
    let supports = told.grounding_supports.iter();
    let places = supports.flat_map(|support| {
        let range = support.segment.as_ref().and_then(|segment| said.range(segment));
        support.grounding_chunk_indices.iter().map(move |at| (*at, range))
    });
    places.filter_map(|(at, range)| citation(at, range)).collect()
}
