#include "common/file.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::x509;

namespace {

// Certificates are read by others: here by the openssl program, with its strictest rules.
struct Workplace {
  std::string write(const std::string& name, const std::string& content) const {
    write_file_durably(directory / name, content, 0600);
    return directory / name;
  }
  static tests::Outcome verify(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"openssl", "verify", "-x509_strict"});
    return tests::run(arguments);
  }

  tests::TemporaryDirectory directory;
  PrivateKey key = PrivateKey::generate();
  Certificate root = self_sign(key, {"root", Purpose::kAuthority, {}, {}, kNever});
  Certificate client =
      issue(root, key, PrivateKey::generate().public_key(), {"pi-1", Purpose::kClient, {}, {}, kNever});
  Certificate server = issue(root, key, PrivateKey::generate().public_key(),
                             {"hivemind-hub", Purpose::kServer, {"hivemind-hub"}, {"127.0.0.1"}, kNever});
};

}  // namespace

TEST_CASE("OpenSSL verifies certificates for their purpose and name, and not for another") {
  const Workplace work;
  const std::string root = work.write("root.pem", work.root.pem());
  const std::string client = work.write("client.pem", work.client.pem()),
                    server = work.write("server.pem", work.server.pem());
  CHECK(Workplace::verify({"-CAfile", root, "-purpose", "sslclient", client}).exit_code == 0);
  CHECK(Workplace::verify({"-CAfile", root, "-purpose", "sslserver", client}).exit_code != 0);
  CHECK(Workplace::verify(
            {"-CAfile", root, "-purpose", "sslserver", "-verify_hostname", "hivemind-hub", server})
            .exit_code == 0);
  CHECK(Workplace::verify({"-CAfile", root, "-purpose", "sslserver", "-verify_ip", "127.0.0.1", server})
            .exit_code == 0);
  CHECK(Workplace::verify({"-CAfile", root, "-purpose", "sslserver", "-verify_hostname", "other", server})
            .exit_code != 0);
  CHECK(Workplace::verify({"-CAfile", root, "-purpose", "sslclient", server}).exit_code != 0);
  // A node without a clock of its own: the first of February 1970.
  CHECK(Workplace::verify({"-CAfile", root, "-attime", "2678400", server}).exit_code == 0);
}

TEST_CASE("OpenSSL refuses what a revocation list names, and takes the rest, whatever the time") {
  const Workplace work;
  const std::string root = work.write("root.pem", work.root.pem());
  const std::string client = work.write("client.pem", work.client.pem()),
                    server = work.write("server.pem", work.server.pem());
  const std::string list =
      work.write("list.pem", revocation_list(work.root, work.key, {work.client.serial()}, 1));
  CHECK_THAT(Workplace::verify({"-CAfile", root, "-crl_check", "-CRLfile", list, client}).errors,
             tests::ContainsSubstring("revoked"));
  for (const char* time : {"2678400", "1800000000", "4000000000"})
    CHECK(Workplace::verify({"-CAfile", root, "-crl_check", "-CRLfile", list, "-attime", time, server})
              .exit_code == 0);
}

TEST_CASE("OpenSSL trusts an intermediate by its anchor text alone, and nothing else of its root") {
  const Workplace work;
  const PrivateKey key = PrivateKey::generate();
  const Certificate middle =
      issue(work.root, work.key, key.public_key(), {"middle", Purpose::kAuthority, {}, {}, kNever});
  const Certificate leaf = issue(middle, key, PrivateKey::generate().public_key(),
                                 {"hivemind-hub", Purpose::kServer, {"hivemind-hub"}, {}, kNever});
  const std::string anchor = work.write("anchor.pem", middle.anchor_pem()),
                    plain = work.write("plain.pem", middle.pem());
  const std::string ours = work.write("leaf.pem", leaf.pem()),
                    roots = work.write("server.pem", work.server.pem());
  CHECK(Workplace::verify({"-CAfile", anchor, "-purpose", "sslserver", ours}).exit_code == 0);
  CHECK(Workplace::verify({"-CAfile", plain, "-purpose", "sslserver", ours}).exit_code != 0);
  CHECK(Workplace::verify({"-CAfile", anchor, "-purpose", "sslserver", roots}).exit_code != 0);
}
