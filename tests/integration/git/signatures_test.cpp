#include <cstdlib>

#include "common/error.h"
#include "common/file.h"
#include "hub/desired/git/mirror.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

// Commits that are signed by the real git, with keys of the real ssh-keygen and gpg.

using namespace hivemind;
using namespace hivemind::hub;
using tests::ContainsSubstring;

namespace {

void must(const std::vector<std::string>& words) {
  const tests::Outcome outcome = tests::run(words);
  INFO(outcome.errors);
  REQUIRE(outcome.exit_code == 0);
}

class Signing {
 public:
  Signing() {
    repository.write("stacks.yml", "stacks: []\n");
    repository.commit();
  }

  std::string ssh_key(const std::string& name) {
    const std::string file = directory / name;
    must({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file});
    return file;
  }
  std::string public_key(const std::string& file) const { return tests::run({"cat", file + ".pub"}).output; }

  std::string commit_by_ssh(const std::string& key) {
    repository.git({"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key, "commit", "-q", "--allow-empty",
                    "-S", "-m", "x"});
    return repository.head();
  }

  Verdict verdict(const std::string& revision) const {
    git::Mirror mirror(directory / ("mirror-" + revision), {.url = repository.url()});
    mirror.fetch();
    return verify(files, mirror.signature(revision));
  }
  std::filesystem::path written(const std::string& name, const std::string& content) {
    write_file_durably(directory / name, content, 0600);
    return directory / name;
  }

  tests::TemporaryDirectory directory;
  tests::GitRepository repository{directory / "repository"};
  SignerFiles files;
};

// A home of GnuPG's own, with its agent, which ends with it.
class Gpg {
 public:
  explicit Gpg(const std::filesystem::path& home) {
    std::filesystem::create_directories(home);
    std::filesystem::permissions(home, std::filesystem::perms::owner_all);
    ::setenv("GNUPGHOME", home.c_str(), 1);
  }
  ~Gpg() {
    tests::run({"gpgconf", "--kill", "all"});
    ::unsetenv("GNUPGHOME");
  }
  void make(const std::string& user) {
    must({"gpg", "--batch", "-q", "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", "never"});
  }
  void run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"gpg", "--batch", "-q", "--yes"});
    must(arguments);
  }
  std::string fingerprint(const std::string& user) {
    std::string listed = tests::run({"gpg", "--batch", "--with-colons", "--list-keys", user}).output;
    listed = listed.substr(listed.find("fpr:::::::::") + 12);
    return listed.substr(0, listed.find(':'));
  }
};

}  // namespace

TEST_CASE_METHOD(Signing,
                 "a commit that an allowed signer has signed is accepted, and who that was is told") {
  const std::string key = ssh_key("ada");
  files.allowed_signers = written("allowed", "ada@example.org namespaces=\"git\" " + public_key(key));
  const Verdict verdict = this->verdict(commit_by_ssh(key));
  CHECK(verdict.text == "signed by ada@example.org");
  CHECK(verdict.accepted);
}

TEST_CASE_METHOD(Signing, "a commit without a signature, or by somebody else, is not") {
  const std::string key = ssh_key("ada"), other = ssh_key("mallory");
  files.allowed_signers = written("allowed", "ada@example.org " + public_key(key));
  CHECK(verdict(repository.head()).text == "it is not signed");
  const Verdict by_other = verdict(commit_by_ssh(other));
  CHECK_FALSE(by_other.accepted);
  CHECK_THAT(by_other.text, ContainsSubstring("No principal matched"));
}

TEST_CASE_METHOD(Signing,
                 "an expired or revoked signer, and one who may sign other things only, is refused") {
  const std::string key = ssh_key("ada");
  const std::string revision = commit_by_ssh(key);
  files.allowed_signers = written("allowed", "ada@example.org valid-before=\"20200101\" " + public_key(key));
  CHECK_THAT(verdict(revision).text, ContainsSubstring("expired"));
  CHECK_FALSE(verdict(revision).accepted);
  files.allowed_signers = written("allowed", "ada@example.org namespaces=\"file\" " + public_key(key));
  CHECK_FALSE(verdict(revision).accepted);
  files.allowed_signers = written("allowed", "ada@example.org " + public_key(key));
  CHECK(verdict(revision).accepted);
  files.revoked_signers = written("revoked", public_key(key));
  CHECK_FALSE(verdict(revision).accepted);
}

TEST_CASE_METHOD(Signing, "a signature of another commit does not count") {
  const std::string key = ssh_key("ada");
  files.allowed_signers = written("allowed", "ada@example.org " + public_key(key));
  const std::string revision = commit_by_ssh(key);
  repository.write("more", "x");
  repository.commit();
  git::Mirror mirror(directory / "mirror", {.url = repository.url()});
  mirror.fetch();
  CommitSignature mixed = mirror.signature(revision);
  CHECK(verify(files, mixed).accepted);
  mixed.payload += " ";
  CHECK_FALSE(verify(files, mixed).accepted);
  mixed = mirror.signature(repository.head());
  mixed.signature = mirror.signature(revision).signature;
  CHECK_FALSE(verify(files, mixed).accepted);
}

TEST_CASE_METHOD(Signing, "files that are missing, and signatures that nobody can judge, accept nothing") {
  const std::string key = ssh_key("ada");
  const std::string revision = commit_by_ssh(key);
  files.allowed_signers = directory / "nowhere";
  CHECK_THAT(verdict(revision).text, ContainsSubstring("cannot be read"));
  files = {};
  files.allowed_keyring = written("ring", "");
  CHECK_THAT(verdict(revision).text, ContainsSubstring("git.allowed_signers"));
  CHECK_FALSE(verify(files, {"-----BEGIN SOMETHING-----", "x"}).accepted);
}

TEST_CASE_METHOD(Signing, "OpenPGP signatures count by the keys of the keyring") {
  Gpg gpg(directory / "gpg");
  gpg.make("Ada <ada@example.org>");
  gpg.make("Mallory <mallory@example.org>");
  gpg.run({"--output", directory / "ring", "--export", "ada@example.org"});
  files.allowed_keyring = directory / "ring";
  const auto commit = [&](const std::string& user) {
    repository.git({"-c", "user.signingkey=" + user, "commit", "-q", "--allow-empty", "-S", "-m", "x"});
    return repository.head();
  };
  const std::string by_ada = commit("ada@example.org"), by_mallory = commit("mallory@example.org");
  CHECK_THAT(verdict(by_ada).text, ContainsSubstring("signed by Ada <ada@example.org>"));
  CHECK(verdict(by_ada).accepted);
  CHECK_THAT(verdict(by_mallory).text, ContainsSubstring("not in the keyring"));
  CHECK_FALSE(verdict(by_mallory).accepted);
  gpg.run({"--quick-set-expire", gpg.fingerprint("ada@example.org"), "seconds=1"});
  gpg.run({"--output", directory / "ring", "--export", "ada@example.org"});
  tests::run({"sleep", "2"});
  CHECK_THAT(verdict(by_ada).text, ContainsSubstring("expired"));
  CHECK_FALSE(verdict(by_ada).accepted);
}

TEST_CASE("what gpgv says counts only when nothing speaks against it") {
  const std::string good = "[GNUPG:] GOODSIG 6CF4 Ada <ada@example.org>\n",
                    valid = "[GNUPG:] VALIDSIG 8C56 2026\n";
  CHECK(gpg_verdict(good + valid).accepted);
  CHECK(gpg_verdict(good + valid).text == "signed by Ada <ada@example.org> (6CF4)");
  for (const std::string& status :
       {std::string(), good, valid, good + valid + good + valid, "[GNUPG:] REVKEYSIG 1 Ada\n" + valid,
        "[GNUPG:] EXPKEYSIG 1 Ada\n" + valid, good + valid + "[GNUPG:] BADSIG 1 Ada\n",
        "x [GNUPG:] GOODSIG 6CF4 Ada\n" + valid}) {
    CHECK_FALSE(gpg_verdict(status).accepted);
  }
}
