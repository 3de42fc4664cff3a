//! What holds for every input, tried with generated ones. `fuzz/` tries the same [`laws`] for longer.

mod generate;
pub mod laws;

use bytes::Bytes;
use proptest::prelude::{ProptestConfig, Strategy, any};
use proptest::{collection, proptest, sample};

use generate::{changes, configuration, damaged, events, form, nearly_a_configuration, object, reply};

/// Enough to meet most mistakes within a second or two; the fuzzer does the rest.
const CASES: u32 = 400;

/// What fails becomes a seed of the fuzzer or a test of its own, not a number in a file.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn a_stream_cut_anywhere_is_the_standards(stream in events(), cuts in collection::vec(any::<sample::Index>(), 0..12)) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        places.sort_unstable();
        laws::sse::holds_when_cut(&stream, &places);
        laws::sse::holds(&stream);
    }

    #[test]
    fn a_spliced_body_is_the_clients_but_for_what_was_to_change(body in object(), model in ".{0,6}", params in changes()) {
        laws::splice::another_model_changes_nothing_else(body.as_bytes(), &model);
        laws::splice::params_do_what_they_say(body.as_bytes(), &params);
        laws::splice::holds(body.as_bytes());
    }

    #[test]
    fn a_requests_head_is_what_a_whole_parser_reads(body in object(), damaged in damaged(object().prop_map(Bytes::from))) {
        laws::head::holds(body.as_bytes());
        laws::head::holds(&damaged);
        laws::splice::holds(&damaged);
    }

    #[test]
    fn a_forms_model_is_the_one_that_any_reader_sees((content_type, body) in form()) {
        laws::form::holds(&content_type, &body);
    }

    #[test]
    fn a_damaged_form_is_read_right_or_not_at_all((content_type, body) in form().prop_flat_map(|(content_type, body)| {
        (sample::select(vec![content_type]), damaged(proptest::strategy::Just(body)))
    })) {
        laws::form::holds(&content_type, &body);
    }

    #[test]
    fn a_reply_is_read_whatever_it_is(body in reply(), damaged in damaged(reply().prop_map(|body| Bytes::from(body.to_string())))) {
        laws::reply::holds(body.to_string().as_bytes());
        laws::reply::holds(&damaged);
    }
}

proptest! {
    // Loading is the slowest of all.
    #![proptest_config(cases(CASES / 4))]

    #[test]
    fn a_configuration_of_valid_parts_loads(tree in configuration(), as_yaml in any::<bool>()) {
        let text = if as_yaml { serde_yaml::to_string(&tree).expect("YAML") } else { tree.to_string() };
        assert!(laws::config::holds(&text), "{text}");
    }

    #[test]
    fn a_text_that_is_no_configuration_is_told_so(text in nearly_a_configuration(), damaged in damaged(nearly_a_configuration().prop_map(Bytes::from))) {
        laws::config::holds(&text);
        laws::config::holds(&String::from_utf8_lossy(&damaged));
    }
}
