//! The `llmgw` binary.

fn main() -> std::process::ExitCode {
    llmgw::cli::main()
}
