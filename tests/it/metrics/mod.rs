//! What `/metrics` shows, and that everything made for it asks for what there is.

mod documents;
mod labels;
mod promql;
