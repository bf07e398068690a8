#pragma once

#include <filesystem>
#include <string>

namespace hivemind::hub {

// Who may sign commits. Without any file nobody has to.
struct SignerFiles {
  std::filesystem::path allowed_signers;  // OpenSSH's format, see ssh-keygen(1), "ALLOWED SIGNERS"
  std::filesystem::path revoked_signers;  // public keys, or a KRL: see ssh-keygen(1); empty: none
  std::filesystem::path allowed_keyring;  // OpenPGP keys, as 'gpg --export' writes them

  bool any() const { return !allowed_signers.empty() || !allowed_keyring.empty(); }
};

// A commit as Git has it signed.
struct CommitSignature {
  std::string signature;  // armoured; empty: it has none
  std::string payload;    // what was signed
};

struct Verdict {
  bool accepted = false;
  std::string text;  // who has signed it, or why that does not count; one line
};

// By the system's own ssh-keygen and gpgv, with the clock of now: an expired signer is refused whatever time
// the commit claims. The files are read each time. Never throws: what cannot be verified is not accepted.
//
// Any thread; blocks, at most some seconds.
Verdict verify(const SignerFiles& files, const CommitSignature& commit);

// What gpgv says with --status-fd: exactly one good signature, and nothing that speaks against it. (Its exit
// code is 0 for expired and revoked keys as well.) Pure.
Verdict gpg_verdict(std::string_view status);

}  // namespace hivemind::hub
