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

constexpr std::array kMigrations{kFirst, kPins};

}  // namespace

std::span<const std::string_view> store_migrations() {
  return kMigrations;
}

}  // namespace hivemind::hub
