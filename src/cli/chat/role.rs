//! `--role`: who the model shall be, from the configuration; what flags say counts more.

use serde_json::Value;

use crate::cli::chat::Args;
use crate::cli::chat::request::{Settings, message};
use crate::cli::failure::Failure;
use crate::config::{Config, Role};

/// The role of this name.
pub fn find(name: &str, config: &Config) -> Result<Role, Failure> {
    let found = config.roles.iter().find(|role| *role.name == *name);
    found.cloned().ok_or_else(|| {
        let failure = Failure::unknown("role", name, config.roles.iter().map(|role| &*role.name));
        if failure.hint.is_some() { failure } else { failure.hint("write it under `roles:` in the configuration") }
    })
}

/// What is asked for beside the messages: by the flags, else by the role, else `default_model`.
pub fn settings(args: &Args, role: &Role, default_model: &str) -> Settings {
    let model = args.model.as_deref().or(role.model.as_deref());
    Settings {
        model: model.unwrap_or(default_model).to_owned(),
        is_named: model.is_some(),
        temperature: args.temperature.or(role.temperature),
        max_tokens: args.max_tokens.or(role.max_tokens),
        params: role.params.iter().chain(&args.params).cloned().collect(),
        stream: args.wants_stream(),
    }
}

/// The messages before the first question.
pub fn beginning(args: &Args, role: &Role) -> Vec<Value> {
    args.system.as_ref().or(role.system.as_ref()).map(|text| message("system", text.as_str())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{beginning, find, settings};
    use crate::cli::chat::{Args, Format};
    use crate::config::{Config, Origin, Role};

    fn role() -> Role {
        Role {
            name: "译".into(),
            system: Some("你是翻译".to_owned()),
            model: Some("gpt-4".into()),
            temperature: Some(0.0),
            max_tokens: Some(7),
            params: vec![("seed".to_owned(), json!(1)), ("user".to_owned(), json!("a"))],
            ..Role::default()
        }
    }

    #[test]
    fn flags_count_more_than_the_role() {
        let of_role = settings(&Args::default(), &role(), "auto");
        assert_eq!((of_role.model.as_str(), of_role.temperature, of_role.max_tokens), ("gpt-4", Some(0.0), Some(7)));
        let args = Args {
            model: Some("claude".to_owned()),
            system: Some("be short".to_owned()),
            temperature: Some(1.0),
            params: vec![("seed".to_owned(), json!(2))],
            ..Args::default()
        };
        let of_flags = settings(&args, &role(), "auto");
        assert_eq!((of_flags.model.as_str(), of_flags.temperature), ("claude", Some(1.0)));
        let body = of_flags.body(&beginning(&args, &role()));
        assert_eq!((&body["seed"], &body["user"], &body["messages"][0]["content"]), (&json!(2), &json!("a"), &json!("be short")));
    }

    #[test]
    fn without_a_role_the_default_model_is_asked() {
        let plain = settings(&Args::default(), &Role::default(), "auto");
        assert_eq!((plain.model.as_str(), plain.is_named, plain.stream), ("auto", false, true));
        for args in [Args { no_stream: true, ..Args::default() }, Args { format: Format::Json, ..Args::default() }] {
            assert!(!settings(&args, &Role::default(), "m").stream);
        }
        assert!(beginning(&Args::default(), &Role::default()).is_empty());
    }

    #[test]
    fn an_unknown_role_comes_with_the_nearest() {
        let mut config = Config::of_providers(Origin::Mock, Vec::new());
        assert!(find("译", &config).unwrap_err().hint.unwrap().contains("roles:"));
        config.roles = vec![Role { name: "translate".into(), ..Role::default() }];
        assert_eq!(find("tranlate", &config).unwrap_err().hint.as_deref(), Some("did you mean `translate`?"));
        assert!(find("translate", &config).is_ok());
    }
}
