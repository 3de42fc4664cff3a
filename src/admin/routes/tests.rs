use super::{For, ROUTES, matches};

#[test]
fn a_star_is_one_segment_or_several() {
    assert_eq!(matches("", ""), Some(""));
    assert_eq!(matches("providers", "providers"), Some(""));
    assert_eq!(matches("providers/*", "providers/a%2Fb"), Some("a%2Fb"));
    assert_eq!(matches("providers/*", "providers/a/test"), Some("a/test"));
    for (pattern, path) in [("providers/*", "providers"), ("providers/*", "providers/"), ("", "x"), ("providers", "providersx")] {
        assert_eq!(matches(pattern, path), None, "{pattern} {path}");
    }
}

#[test]
fn what_changes_something_is_for_those_who_were_let_in_and_scripts_are_below_api() {
    for route in ROUTES {
        assert!(route.method == "GET" || route.whom != For::All || route.path == "login", "{}", route.path);
        assert_eq!(route.path.starts_with("api/"), route.whom == For::Script, "{}", route.path);
    }
}
