//! Sections of the file that stand where a single value may stand too, and what they hold.

use schemars::JsonSchema;

use super::leaves::{AnyValue, DurationText, SecretText};
use super::read::{List, Place, Read, Reader, Setting, Table};
use super::section::section;
use super::spanned::Node;
use super::{Capability, Strategy};

section! {
    /// A caller's key with its limits.
    #[schemars(extend("required" = ["key"]))]
    AuthKeyTable {
        /// Whose it is, for logs and metrics.
        name: String,
        /// The key, or `sha256:` and the 64 hex digits of its digest.
        key: SecretText,
        /// Names it may ask for; `*` matches anything. Without the list: all.
        models: List<String>,
        /// May use endpoints that name no model. Default: only a key without `models` may.
        passthrough: bool,
    }
}

section! {
    /// Time limits of one provider.
    TimeoutTable {
        /// Until a connection stands.
        #[schemars(extend("default" = "5s"))]
        connect: DurationText,
        /// Until a stream's response headers.
        #[schemars(extend("default" = "60s"))]
        first_byte: DurationText,
        /// Until a stream's first content.
        #[schemars(extend("default" = "120s"))]
        first_content: DurationText,
        /// Between two pieces of a stream.
        #[schemars(extend("default" = "120s"))]
        idle: DurationText,
        /// The whole of a request that is not streamed.
        #[schemars(extend("default" = "300s"))]
        non_stream: DurationText,
        /// The whole of a stream; without it no limit.
        stream: DurationText,
    }
}

section! {
    /// Changes to a request's body, made in this order.
    ParamsFile {
        /// Fields left out.
        drop: List<String>,
        /// Fields under another name.
        rename: Table<String>,
        /// Fields with this value, whatever the client sent.
        set: Table<AnyValue>,
        /// Upper limit of the answer's tokens; sent where the client gave none.
        max_tokens: u64,
    }
}

section! {
    /// A public name with routes of its own.
    ModelTable {
        /// Whether it is offered; a disabled name hides what would come after.
        #[schemars(extend("default" = true))]
        enabled: bool,
        /// How routes of one priority are ordered.
        #[schemars(extend("default" = "priority"))]
        strategy: Strategy,
        /// Ways to upstream models.
        routes: List<RouteFile>,
        /// Other names, tried in this order when every route failed.
        fallback: List<String>,
        /// Other names for certain failures. Not supported yet.
        fallback_on: FallbackOnFile,
    }
}

section! {
    /// A way to an upstream model.
    #[schemars(extend("required" = ["provider"]))]
    RouteFile {
        /// A provider's name.
        provider: String,
        /// The upstream's name of the model. Without it: the name as asked for.
        model: String,
        /// Lower is tried first.
        #[schemars(extend("default" = 1))]
        priority: u32,
        /// Share under the `weighted` strategy.
        #[schemars(extend("default" = 1))]
        weight: u32,
        /// Whether it is used.
        #[schemars(extend("default" = true))]
        enabled: bool,
        /// Changes to requests, after the provider's.
        params: ParamsFile,
        /// What this model can do, instead of what its provider says.
        capabilities: List<Capability>,
    }
}

section! {
    /// Other names for certain failures. Not supported yet.
    FallbackOnFile {
        /// When the prompt is too long.
        context_length: List<String>,
        /// When a filter refused.
        content_policy: List<String>,
    }
}

section! {
    /// Who a model shall be, and how it is asked.
    RoleFile {
        /// The system prompt.
        system: String,
        /// What is asked; `{{input}}` stands for the user's words, which follow the prompt where it does not.
        prompt: String,
        /// Who is asked, as a request would name it. Without it: `routing.default_model`.
        model: String,
        /// How freely words are chosen.
        temperature: f64,
        /// Longest answer, in tokens.
        max_tokens: u64,
        /// Further fields of the request.
        params: Table<AnyValue>,
    }
}
