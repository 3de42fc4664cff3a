//! The gateway itself, without HTTP serving and without a terminal.
