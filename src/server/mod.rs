//! HTTP in: decodes, asks the engine, answers. Knows no retries.
