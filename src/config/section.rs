//! How a section of the file is declared: its type, its schema and its reader come from one place.

/// Declares a section: its type, its schema, its reader. Each key is read alone; unknown keys are mistakes.
macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $( $(#[$field_meta:meta])* $field:ident: $kind:ty, )* }) => {
        #[derive(Clone, Debug, Default, JsonSchema)]
        #[schemars(default, deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name { $( $(#[$field_meta])* pub $field: Setting<$kind>, )* }

        impl Read for $name {
            fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<$name> {
                let known = [$( stringify!($field).trim_start_matches("r#") ),*];
                let entries = reader.section(node, place, &known)?;
                Some($name { $( $field: reader.setting(entries, place, stringify!($field).trim_start_matches("r#")), )* })
            }
        }
    };
}

pub(super) use section;
