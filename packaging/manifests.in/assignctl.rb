class Assignctl < Formula
  desc "Keeps Microsoft Intune policy assignments in sync with YAML manifests in git"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/assignctl-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256 aarch64-apple-darwin.tar.gz@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/assignctl-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256 x86_64-apple-darwin.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/assignctl-@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 aarch64-unknown-linux-musl.tar.gz@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/assignctl-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 x86_64-unknown-linux-musl.tar.gz@"
    end
  end

  def install
    bin.install "assignctl"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/assignctl.bash" => "assignctl"
    fish_completion.install "completions/assignctl.fish"
    zsh_completion.install "completions/assignctl.zsh" => "_assignctl"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/assignctl --version")
  end
end
