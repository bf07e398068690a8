#include "hub/store/schema.h"

#include <array>

namespace hivemind::hub {
namespace {

constexpr std::string_view kFirst = R"sql(
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE nodes (
  id         TEXT PRIMARY KEY,
  online     INTEGER NOT NULL,
  seen_at_ms INTEGER NOT NULL,
  report     BLOB                -- hivemind.v1.Report; NULL: none yet
) WITHOUT ROWID;

-- A release stays listed for ever, for its revision; its body goes once no node is assigned to it.
CREATE TABLE releases (
  digest   TEXT PRIMARY KEY,
  stack    TEXT NOT NULL,
  revision TEXT NOT NULL,        -- the commit in which this content first appeared
  body     BLOB                  -- hivemind.v1.Release
);

CREATE TABLE release_files (
  digest TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (digest, sha256)
) WITHOUT ROWID;

CREATE TABLE files (
  sha256  TEXT PRIMARY KEY,
  content BLOB NOT NULL
);

-- The last good release of each stack on each node.
CREATE TABLE assignments (
  node   TEXT NOT NULL,
  stack  TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (node, stack)
) WITHOUT ROWID;
CREATE INDEX assignments_by_digest ON assignments (digest);

CREATE TABLE manifests (
  node            TEXT PRIMARY KEY,
  generation      INTEGER NOT NULL,
  revision        TEXT NOT NULL,
  envelope        BLOB NOT NULL,
  envelope_sha256 TEXT NOT NULL,
  published       INTEGER NOT NULL  -- 1: the broker has acknowledged it
);
CREATE INDEX manifests_unpublished ON manifests (node) WHERE published = 0;

CREATE TABLE events (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  node     TEXT NOT NULL,
  stream   TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL,
  stack    TEXT NOT NULL,
  body     BLOB NOT NULL,        -- hivemind.v1.Event
  UNIQUE (node, stream, sequence)
);
CREATE INDEX events_by_stack ON events (stack, id);

-- How far each node's events are stored.
CREATE TABLE acks (
  node     TEXT PRIMARY KEY,
  stream   TEXT NOT NULL,
  sequence INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

constexpr std::string_view kPins = R"sql(
-- What image references were resolved to, for the commit that was last acted on.
CREATE TABLE pins (
  stack     TEXT NOT NULL,
  reference TEXT NOT NULL,       -- as in the Compose file
  digest    TEXT NOT NULL,
  platforms TEXT NOT NULL,       -- of an index, one in a line; empty: it is none
  PRIMARY KEY (stack, reference)
) WITHOUT ROWID;
)sql";

constexpr std::string_view kEnrolment = R"sql(
-- The rights to become a node. Rows stay after they are used up, for the list.
CREATE TABLE enrolment_tokens (
  id            TEXT PRIMARY KEY,
  secret_sha256 TEXT NOT NULL,
  labels        TEXT NOT NULL,   -- JSON object: what nodes that come with it get
  node          TEXT NOT NULL,   -- the only id that it is good for; empty: any
  replacing     INTEGER NOT NULL,  -- 1: new hardware takes over that node
  approval      INTEGER NOT NULL,  -- 1: an operator lets each one in
  uses          INTEGER NOT NULL,
  used          INTEGER NOT NULL,
  created_by    TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER NOT NULL   -- 0: not
) WITHOUT ROWID;

-- Who has asked with a token that needs approval.
CREATE TABLE waiting_nodes (
  request           TEXT PRIMARY KEY,
  token             TEXT NOT NULL,
  key_sha256        TEXT NOT NULL,
  node              TEXT NOT NULL,   -- the id that it would get
  facts             TEXT NOT NULL,   -- JSON object
  address           TEXT NOT NULL,
  first_asked_at_ms INTEGER NOT NULL,
  asked_at_ms       INTEGER NOT NULL,
  approved_at_ms    INTEGER NOT NULL,  -- 0: not yet
  UNIQUE (token, key_sha256)
) WITHOUT ROWID;

CREATE TABLE enrolled_nodes (
  id                   TEXT PRIMARY KEY,
  labels               TEXT NOT NULL,   -- JSON object
  seal_key             TEXT NOT NULL,   -- what secrets are sealed to
  key_sha256           TEXT NOT NULL,   -- of the newest certificate
  certificate          TEXT NOT NULL,   -- the newest
  serial               TEXT NOT NULL,
  previous_serial      TEXT NOT NULL,   -- empty: none that may be renewed again
  certificate_until_ms INTEGER NOT NULL,
  token                TEXT NOT NULL,   -- that it came with
  facts                TEXT NOT NULL,   -- JSON object
  enrolled_at_ms       INTEGER NOT NULL,
  renewed_at_ms        INTEGER NOT NULL,
  revoked_at_ms        INTEGER NOT NULL  -- 0: not
) WITHOUT ROWID;

-- All that were issued to nodes and could still be used, be it to renew.
CREATE TABLE certificates (
  serial        TEXT PRIMARY KEY,
  node          TEXT NOT NULL,
  until_ms      INTEGER NOT NULL,
  revoked_at_ms INTEGER NOT NULL   -- 0: not
) WITHOUT ROWID;
CREATE INDEX certificates_by_node ON certificates (node);
)sql";

constexpr std::string_view kSecrets = R"sql(
-- What operators have set. Every box is encrypted under the master key (hub/secrets/vault.h).
CREATE TABLE secrets (
  name          TEXT NOT NULL,
  scope         TEXT NOT NULL,     -- "fleet", "stack:web", "selector:site=berlin", "node:pi-1"
  box           BLOB NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (name, scope)
) WITHOUT ROWID;

CREATE TABLE registry_logins (
  registry      TEXT PRIMARY KEY,
  box           BLOB NOT NULL,
  updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- The values that releases need which nodes are assigned to: they stay when a secret is changed or removed, until
-- no node has such a release any more.
CREATE TABLE secret_values (
  id   TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  box  BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE release_secrets (
  digest TEXT NOT NULL,
  id     TEXT NOT NULL,
  PRIMARY KEY (digest, id)
) WITHOUT ROWID;

-- The key that a node's newest manifest was sealed to.
CREATE TABLE sealed_to (
  node TEXT PRIMARY KEY,
  key  TEXT NOT NULL
) WITHOUT ROWID;
)sql";

constexpr std::string_view kAccess = R"sql(
-- Who may use the API, besides admin.token.
CREATE TABLE access_tokens (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL,
  role          TEXT NOT NULL,
  scope         TEXT NOT NULL,     -- JSON
  created_by    TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,  -- 0: never
  revoked_at_ms INTEGER NOT NULL,  -- 0: it is not
  used_at_ms    INTEGER NOT NULL   -- to the hour; 0: never
) WITHOUT ROWID;

-- Every change, and its outcome. Rows are only ever added: each hash covers the row's text and the hash before.
CREATE TABLE audit (
  id    INTEGER PRIMARY KEY,       -- from 1, without gaps
  of    INTEGER NOT NULL,          -- the deed that this is the outcome of; 0: it is a deed
  at_ms INTEGER NOT NULL,
  who   TEXT NOT NULL,
  entry TEXT NOT NULL,             -- JSON
  hash  TEXT NOT NULL
);
CREATE INDEX audit_outcomes ON audit (of) WHERE of > 0;
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'rows of the audit log are not edited'); END;
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'rows of the audit log are not removed'); END;
)sql";

constexpr std::string_view kRejections = R"sql(
-- Who was turned away stays so, and is told when it asks again.
ALTER TABLE waiting_nodes ADD COLUMN rejected_at_ms INTEGER NOT NULL DEFAULT 0;  -- 0: it was not
)sql";

constexpr std::string_view kIssues = R"sql(
-- The newest manifests that were issued to each node. What the hub has signed and is not among them, it has forgotten.
CREATE TABLE issues (
  node       TEXT NOT NULL,
  generation INTEGER NOT NULL,
  at_ms      INTEGER NOT NULL,
  PRIMARY KEY (node, generation)
) WITHOUT ROWID;
)sql";

constexpr std::array kMigrations{kFirst, kPins, kEnrolment, kSecrets, kAccess, kRejections, kIssues};

}  // namespace

std::span<const std::string_view> store_migrations() {
  return kMigrations;
}

}  // namespace hivemind::hub
