#include "hub/signatures/signers.h"

#include <algorithm>
#include <sstream>

#include "common/error.h"
#include "hub/process/program.h"

namespace hivemind::hub {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMostOutput = 64u << 10;
constexpr std::string_view kSsh = "-----BEGIN SSH SIGNATURE-----";
constexpr std::string_view kGpg = "-----BEGIN PGP SIGNATURE-----";
constexpr std::string_view kNamespace = "git";  // that git signs in

Verdict refused(std::string text) {
  return {false, std::move(text)};
}

// Of a text that came from elsewhere, for a line of ours.
std::string first_line(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string line(text.substr(0, std::min(text.find('\n'), kMost)));
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Ended ask(std::vector<std::string> words, std::string_view payload, std::string_view signature) {
  return run_program({.words = std::move(words),
                      .environment = bare_environment(),
                      .input = payload,
                      .file = signature,
                      .most_output = kMostOutput,
                      .limit = kPatience});
}

bool is_readable(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored);
}

// Those lines of the allowed signers that have the key, and are in force now.
std::vector<std::string> principals(const SignerFiles& files, const CommitSignature& commit,
                                    std::string& why) {
  const Ended ended =
      ask({"ssh-keygen", "-Y", "find-principals", "-f", files.allowed_signers, "-s", kFileArgument}, "",
          commit.signature);
  const bool is_found = ended.exit_code == 0;
  if (!is_found) why = first_line(ended.err);
  return is_found ? lines_of(ended.out) : std::vector<std::string>{};
}

Verdict verify_ssh(const SignerFiles& files, const CommitSignature& commit) {
  if (files.allowed_signers.empty())
    return refused("it has an SSH signature, and there are no allowed signers (git.allowed_signers)");
  for (const auto& file : {files.allowed_signers, files.revoked_signers}) {
    if (!file.empty() && !is_readable(file))
      return refused(fmt::format("'{}' cannot be read", file.string()));
  }
  std::string why = "no allowed signer has its key";
  for (const std::string& principal : principals(files, commit, why)) {
    std::vector<std::string> words{"ssh-keygen",
                                   "-Y",
                                   "verify",
                                   "-f",
                                   files.allowed_signers,
                                   "-I",
                                   principal,
                                   "-n",
                                   std::string(kNamespace),
                                   "-s",
                                   kFileArgument};
    if (!files.revoked_signers.empty()) words.insert(words.end(), {"-r", files.revoked_signers});
    const Ended ended = ask(words, commit.payload, commit.signature);
    if (ended.exit_code == 0) return {true, fmt::format("signed by {}", first_line(principal))};
    why = first_line(ended.err.empty() ? ended.out : ended.err);
  }
  return refused(fmt::format("its SSH signature does not count: {}", why));
}

Verdict verify_gpg(const SignerFiles& files, const CommitSignature& commit) {
  if (files.allowed_keyring.empty())
    return refused("it has an OpenPGP signature, and there is no keyring (git.allowed_keyring)");
  if (!is_readable(files.allowed_keyring))
    return refused(fmt::format("'{}' cannot be read", files.allowed_keyring.string()));
  // Without a slash gpgv takes a keyring for one in its home, which it must not have.
  const std::string keyring = std::filesystem::absolute(files.allowed_keyring);
  return gpg_verdict(ask({"gpgv", "--homedir", "/nonexistent", "--keyring", keyring, "--status-fd", "1", "--",
                          kFileArgument, "-"},
                         commit.payload, commit.signature)
                         .out);
}

}  // namespace

Verdict gpg_verdict(std::string_view status) {
  constexpr std::string_view kPrefix = "[GNUPG:] ";
  std::string signer, against;
  int good = 0, valid = 0;
  for (const std::string& line : lines_of(status)) {
    if (!line.starts_with(kPrefix)) continue;
    std::istringstream words(line.substr(kPrefix.size()));
    std::string what, key;
    words >> what >> key >> std::ws;
    std::string rest;
    std::getline(words, rest);
    if (what == "GOODSIG") signer = fmt::format("{} ({})", first_line(rest), first_line(key));
    good += what == "GOODSIG";
    valid += what == "VALIDSIG";
    if (what == "EXPSIG") against = "the signature has expired";
    if (what == "EXPKEYSIG") against = fmt::format("the key of {} has expired", first_line(rest));
    if (what == "REVKEYSIG") against = fmt::format("the key of {} is revoked", first_line(rest));
    if (what == "BADSIG") against = "it does not match the content";
    if (what == "ERRSIG")
      against = fmt::format("key {} is not in the keyring, or of an unknown kind", first_line(key));
  }
  if (!against.empty()) return refused("its OpenPGP signature does not count: " + against);
  if (good != 1 || valid != 1) return refused("its OpenPGP signature does not count: 'gpgv' finds none");
  return {true, "signed by " + signer};
}

Verdict verify(const SignerFiles& files, const CommitSignature& commit) {
  if (commit.signature.empty()) return refused("it is not signed");
  try {
    if (commit.signature.starts_with(kSsh)) return verify_ssh(files, commit);
    if (commit.signature.starts_with(kGpg)) return verify_gpg(files, commit);
    return refused("its signature is neither SSH's nor OpenPGP's");
  } catch (const Error& error) {
    const bool is_absent = error.code() == ErrorCode::kNotFound;
    return refused(fmt::format("its signature cannot be verified: {}{}", error.what(),
                               is_absent ? " (install it where the hub runs)" : ""));
  }
}

}  // namespace hivemind::hub
