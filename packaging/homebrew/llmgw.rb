# The formula of a tap. `fill` puts in what the release workflow has built: version, address, checksums.
class Llmgw < Formula
  desc "One address, or one command line, in front of every large language model"
  homepage "https://github.com/@REPOSITORY@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/llmgw-v@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256:aarch64-apple-darwin@"
    end
    on_intel do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/llmgw-v@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256:x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/llmgw-v@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256:aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "https://github.com/@REPOSITORY@/releases/download/v@VERSION@/llmgw-v@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256:x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "llmgw"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/llmgw.bash" => "llmgw"
    zsh_completion.install "completions/_llmgw"
    fish_completion.install "completions/llmgw.fish"
    pkgshare.install "examples"
  end

  service do
    run [opt_bin/"llmgw", "serve"]
    keep_alive true
    log_path var/"log/llmgw.log"
    error_log_path var/"log/llmgw.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/llmgw --version")
    assert_match "你是谁", shell_output("#{bin}/llmgw chat 你是谁")
  end
end
