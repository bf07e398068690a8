#include "hub/cli/views.h"

#include "hub/cli/text.h"
#include "tests/support/catch.h"

using namespace hivemind::hub::cli;
using hivemind::tests::ContainsSubstring;

namespace {

constexpr const char* kRevision = "0123456789abcdef0123456789abcdef01234567";

Screen screen(std::size_t width = 80) {
  return {width, Colour::kOff, *parse_time("2026-01-31T12:00:00Z")};
}

Json healthy_status() {
  return Json::parse(R"json({
    "version": "0.1.0 (abc)",
    "git": {"url": "file:///srv/fleet.git", "branch": "main", "path": "",
            "revision": "0123456789abcdef0123456789abcdef01234567", "commit": "Ada, 2026-01-31: first",
            "fetched_at": "2026-01-31T11:59:48Z", "state": "ok", "error": ""},
    "desired": {"revision": "0123456789abcdef0123456789abcdef01234567", "state": "applied", "text": ""},
    "diagnostics": [],
    "broker": {"url": "mqtt://127.0.0.1:1883", "embedded": true, "connected": true, "error": ""},
    "nodes": {"total": 1, "online": 1, "converged": 1, "failed": 0},
    "stacks": {"total": 2, "running": 2, "failed": 0}})json");
}

Json node(const std::string& id, const std::string& state, const std::string& reason,
          const std::string& text) {
  return {{"id", id},
          {"online", state != "offline"},
          {"state", state},
          {"reason", reason},
          {"text", text},
          {"seen_at", "2026-01-31T11:59:00Z"},
          {"stacks", 2},
          {"desired", {{"generation", 3}, {"revision", kRevision}}},
          {"labels", {{"site", "berlin"}}}};
}

Json nodes_of(std::vector<Json> list) {
  return {{"nodes", std::move(list)}};
}

}  // namespace

TEST_CASE("status of a healthy fleet fits seven lines") {
  CHECK(status_view(healthy_status(), nodes_of({node("pi-1", "converged", "none", "")}),
                    "http://127.0.0.1:7373", screen()) ==
        "hub      http://127.0.0.1:7373, version 0.1.0 (abc)\n"
        "git      file:///srv/fleet.git, branch 'main'\n"
        "         0123456789ab  Ada, 2026-01-31: first (fetched 12s ago)\n"
        "desired  0123456789ab applied\n"
        "broker   mqtt://127.0.0.1:1883 (embedded), connected\n"
        "nodes    1: 1 online, 1 converged\n"
        "stacks   2: 2 running\n");
}

TEST_CASE("status says what is wrong with Git, when it is tried again, and that the broker is away") {
  Json status = healthy_status();
  status["git"].update(Json{{"state", "failed"}, {"error", "no route to host"}, {"retry_in_ms", 1200}});
  status["broker"].update(Json{{"connected", false}, {"error", "connection refused"}});
  const std::string text = status_view(status, nodes_of({}), "http://h:1", screen());
  CHECK_THAT(text, ContainsSubstring("fetch failed: no route to host; next try in 1.2s"));
  CHECK_THAT(text, ContainsSubstring("not connected: connection refused"));
}

TEST_CASE("a fleet is well until something asks for an operator") {
  CHECK(is_well(healthy_status()));
  Json away = healthy_status();
  away["nodes"].update(Json{{"online", 0}, {"converged", 0}});
  CHECK(is_well(away));
  const std::vector<Json> troubles{{{"git", {{"state", "failed"}}}},
                                   {{"desired", {{"state", "invalid"}}}},
                                   {{"desired", {{"state", "held"}}}},
                                   {{"broker", {{"connected", false}}}},
                                   {{"store", {{"error", "disk is full"}}}},
                                   {{"nodes", {{"failed", 1}}}},
                                   {{"diagnostics", Json::array({{{"severity", "error"}}})}}};
  for (const Json& trouble : troubles) {
    Json status = healthy_status();
    status.update(trouble);
    CAPTURE(trouble.dump());
    CHECK_FALSE(is_well(status));
  }
  Json warned = healthy_status();
  warned["diagnostics"] = Json::array({{{"severity", "warning"}}});
  CHECK(is_well(warned));
}

TEST_CASE("status says what to do about an invalid and about a held commit") {
  Json status = healthy_status();
  status["desired"].update(Json{{"state", "invalid"}, {"text", "stacks.yml does not parse"}});
  CHECK_THAT(status_view(status, nodes_of({}), "", screen()),
             ContainsSubstring("0123456789ab invalid: stacks.yml does not parse") &&
                 ContainsSubstring("commit again"));
  status["desired"]["state"] = "held";
  CHECK_THAT(status_view(status, nodes_of({}), "", screen()),
             ContainsSubstring("hivemind sync --confirm-empty"));
}

TEST_CASE("status lists nodes that have not converged, failed ones first, and at most ten") {
  std::vector<Json> list{node("a-away", "offline", "none", ""), node("b-busy", "applying", "pulling", "web"),
                         node("c-bad", "failed", "pull_failed", "no such image")};
  const std::string text = status_view(healthy_status(), nodes_of(list), "", screen());
  CHECK(text.find("c-bad") < text.find("b-busy"));
  CHECK(text.find("b-busy") < text.find("a-away"));
  CHECK_THAT(text, ContainsSubstring("pull_failed: no such image"));
  for (int i = 0; i < 9; ++i) list.push_back(node("n" + std::to_string(i), "pending", "none", ""));
  CHECK_THAT(status_view(healthy_status(), nodes_of(list), "", screen()), ContainsSubstring("and 2 more"));
}

TEST_CASE(
    "a revoked node is not one that has yet to converge; the list of nodes and its own page tell of it") {
  Json gone = node("pi-9", "revoked", "none", "new hardware can take its place");
  gone.update(Json{{"membership", "revoked"}, {"revoked_at", "2026-01-31T11:00:00Z"}});
  CHECK_THAT(status_view(healthy_status(), nodes_of({gone}), "", screen()), !ContainsSubstring("pi-9"));
  CHECK_THAT(node_list_view(nodes_of({gone}), screen(120)),
             ContainsSubstring("pi-9  revoked") && ContainsSubstring("new hardware can take its place"));
  CHECK_THAT(node_view(gone, screen()), ContainsSubstring("identity  revoked 1h ago (2026-01-31 11:00:00)"));
}

TEST_CASE("status of a hub without nodes says how a machine becomes one") {
  Json status = healthy_status();
  status["nodes"] = {{"total", 0}, {"online", 0}, {"converged", 0}, {"failed", 0}};
  CHECK_THAT(status_view(status, nodes_of({}), "", screen()),
             ContainsSubstring("no nodes yet (let a machine in: hivemind node token create)"));
}

TEST_CASE("status prints diagnostics on lines that editors can jump to") {
  Json status = healthy_status();
  status["diagnostics"] = Json::parse(
      R"([{"severity": "error", "text": "web/compose.yml:3:5: error: stack 'web': unknown key 'imgae'"}])");
  CHECK_THAT(status_view(status, nodes_of({}), "", screen()),
             ContainsSubstring("\nweb/compose.yml:3:5: error: stack 'web': unknown key 'imgae'\n"));
}

TEST_CASE("an answer with members missing or of another type is still shown") {
  const Json odd =
      Json::parse(R"({"git": 7, "nodes": {"total": "many"}, "diagnostics": {}, "stacks": null})");
  CHECK_THAT(status_view(odd, Json::object(), "http://h:1", screen()),
             ContainsSubstring("nodes    0: 0 online"));
  CHECK_THAT(node_view(Json::object(), screen()), ContainsSubstring("no stacks"));
  CHECK_THAT(stack_view(Json::array(), screen()), ContainsSubstring("runs on no node"));
}

TEST_CASE("empty lists say what to do next") {
  CHECK_THAT(node_list_view(Json::object(), screen()), ContainsSubstring("hivemind node token create"));
  CHECK_THAT(stack_list_view(Json::object(), screen()), ContainsSubstring("stacks.yml"));
}

TEST_CASE("nodes are listed with their state, revisions and labels") {
  CHECK(node_list_view(nodes_of({node("pi-1", "converged", "none", "")}), screen()) ==
        "NODE  STATE      STACKS  DESIRED       RUNNING  SEEN    WHY OR LABELS\n"
        "pi-1  converged  2       0123456789ab  -        1m ago  site=berlin\n");
}

TEST_CASE("a node shows its services under their stacks, and the stacks that it has not reported yet") {
  Json shown = node("pi-1", "failed", "unhealthy", "");
  shown["stack_reports"] = Json::parse(R"([{"stack": "web", "state": "failed", "reason": "unhealthy",
      "services": [{"service": "app", "state": "failed", "reason": "unhealthy", "text": "probe: exit 1", "image": "app:1",
                    "health": "unhealthy", "replicas": 2, "running": 1},
                   {"service": "db", "state": "running", "image": "db:1", "replicas": 1, "running": 1}]}])");
  shown["desired_stacks"] = Json::parse(R"([{"stack": "web"}, {"stack": "late"}])");
  const std::string text = node_view(shown, screen());
  CHECK_THAT(text,
             ContainsSubstring("  app           failed   1/2  unhealthy         unhealthy: probe: exit 1\n"));
  CHECK_THAT(text, ContainsSubstring("  db            running  1/1                    db:1\n"));
  CHECK_THAT(text, ContainsSubstring(
                       "late            pending       -                 not reported by the node yet\n"));
}

TEST_CASE("notices of a stack are shown below its services and its nodes") {
  const Json notices = Json::parse(R"([{"kind": "file_kept", "service": "app", "text": "'conf/a' stays"},
                      {"kind": "volume_differs", "service": "", "text": "volume 'x' has another driver"}])");
  Json shown = node("pi-1", "converged", "none", "");
  shown["stack_reports"] = Json::array({{{"stack", "web"}, {"state", "running"}, {"notices", notices}}});
  CHECK_THAT(node_view(shown, screen()),
             ContainsSubstring("NOTICE   KIND            TEXT\n"
                               "web/app  file_kept       'conf/a' stays\n"
                               "web      volume_differs  volume 'x' has another"));
  const Json stack{{"name", "web"}, {"on", Json::array({{{"node", "pi-1"}, {"notices", notices}}})}};
  CHECK_THAT(stack_view(stack, screen()), ContainsSubstring("pi-1/app  file_kept       'conf/a' stays\n"));
}

TEST_CASE("a stack list tells what is not running and what does not compile") {
  const Json stacks = Json::parse(R"({"stacks": [
      {"name": "web", "enabled": true, "nodes": 3, "running": 1, "failed": 1, "pending": 1, "releases": 2, "errors": 1},
      {"name": "old", "enabled": false}]})");
  const std::string text = stack_list_view(stacks, screen());
  CHECK_THAT(text, ContainsSubstring("web    1/3      2         -         1 failed, 1 pending, 1 error\n"));
  CHECK_THAT(text, ContainsSubstring("old    0/0      0         -         disabled\n"));
}

TEST_CASE("a sync that changed no node says why and what to do") {
  Json sync{{"revision", kRevision}, {"state", "held"}, {"error", "the commit would empty every node"}};
  CHECK_THAT(sync_view(sync, screen()),
             ContainsSubstring("0123456789ab held: the commit would empty every node") &&
                 ContainsSubstring("--confirm-empty"));
  sync = Json{{"revision", kRevision}, {"state", "applied"}, {"published", {"pi-1", "pi-2"}}};
  CHECK(sync_view(sync, screen()) == "0123456789ab applied, manifests published for 2 nodes\n");
}

TEST_CASE("waiting is told in one line for progress and one line a node in the end") {
  const Json convergence =
      Json::parse(R"({"converged": false, "failed": [{"node": "a", "reason": "pull_failed", "text": "503"}],
      "waiting": [{"node": "b", "reason": "pulling", "text": ""}, {"node": "c", "reason": "none", "text": ""}], "offline": ["d"]})");
  CHECK(progress_line(convergence) == "waiting for 2 nodes: b (pulling), c");
  CHECK(waiting_view(convergence, screen()) ==
        "failed   a  pull_failed: 503\n"
        "waiting  b  pulling\n"
        "waiting  c\n"
        "offline  d  gets it when it returns\n");
}

TEST_CASE("events are lines of time, node, kind, subject and text") {
  const Json events = Json::parse(R"({"events": [{"id": 1, "at": "2026-01-31T11:59:00.5Z", "node": "pi-1",
      "kind": "drift_healed", "stack": "web", "service": "app", "reason": "none", "text": "container was removed"}]})");
  CHECK(events_view(events, screen(81)) ==
        "2026-01-31 11:59:00  pi-1    drift_healed   web/app  container was removed\n");
  CHECK(events_view(events, screen(70)) ==
        "2026-01-31 11:59:00  pi-1    drift_healed   web/app  container was\n"
        "                                                     removed\n");
}

TEST_CASE("a release that was rolled back is shown with what it said last") {
  Json shown = node("pi-1", "failed", "rolled_back", "stack 'web': rolled back");
  shown["stack_reports"] = Json::parse(R"([{"stack": "web", "state": "rolled_back", "failed":
      {"service": "app", "revision": "0123456789abcdef0123456789abcdef01234567", "reason": "unhealthy", "text": "exit 1", "exit_code": 1,
       "output": "connection refused"}}, {"stack": "db", "state": "running", "failed": null}])");
  const std::string text = node_view(shown, screen());
  CHECK_THAT(text, ContainsSubstring("FAILED RELEASE  REVISION      EXIT  WHY, LAST OUTPUT\n"
                                     "web/app         0123456789ab  1     unhealthy: exit 1\n"
                                     "                                    connection refused\n"));
}

TEST_CASE("a node shows its machine and its vitals, and its clock only where that is off") {
  Json shown = node("pi-1", "converged", "none", "");
  shown["facts"] =
      Json::parse(R"({"model": "Raspberry Pi 4", "cpus": 4, "memory_bytes": 3900000000, "os": "linux",
      "architecture": "arm64", "os_release": "Debian GNU/Linux 12", "engine_disk_bytes": 29000000000})");
  shown["vitals"] = Json::parse(R"({"uptime_s": 90, "load": 0.42, "memory_available_bytes": 1200000000,
      "engine_disk_free_bytes": 12100000000, "temperature_c": 51.2, "agent_memory_bytes": 5100000})");
  shown["clock"] = Json::parse(R"({"offset_ms": 1900, "synchronised": true})");
  std::string text = node_view(shown, screen(200));
  CHECK_THAT(text, ContainsSubstring("machine   Raspberry Pi 4, 4 CPUs, 3.9 GB of memory\n"));
  CHECK_THAT(text, ContainsSubstring("system    Debian GNU/Linux 12, linux arm64\n"));
  CHECK_THAT(text, ContainsSubstring("up 1m 30s, load 0.42, memory 1.2 GB of 3.9 GB free, "
                                     "disk 12.1 GB of 29.0 GB free, 51.2 °C\n"));
  CHECK_THAT(text, ContainsSubstring("agent     -, 5.1 MB of memory\n"));
  CHECK_THAT(text, !ContainsSubstring("clock"));
  shown["clock"] = Json::parse(R"({"offset_ms": -61000, "synchronised": false})");
  text = node_view(shown, screen(200));
  CHECK_THAT(text, ContainsSubstring("clock     1m 1s behind the hub's, not synchronised\n"));
}

TEST_CASE("why is one line first, then what to do, then what else there is") {
  const Json answer =
      Json::parse(R"({"node": "pi-1", "stack": "", "revision": "0123456789abcdef0123456789abcdef01234567",
      "on_revision": false, "text": "offline since 09:00",
      "causes": [{"reason": "offline", "text": "offline since 09:00", "remedy": "check its power"},
                 {"reason": "pulling", "stack": "web", "text": "stack 'web': pulling", "remedy": "wait"}],
      "notes": [{"reason": "clock_offset", "text": "its clock is behind", "remedy": ""}]})");
  CHECK(why_view(answer, screen()) ==
        "pi-1 is not on 0123456789ab: offline since 09:00\n"
        "to do: check its power\n"
        "\nand also\n"
        "pulling  stack 'web': pulling\n"
        "         to do: wait\n"
        "\nto note\n"
        "clock_offset  its clock is behind\n");
  const Json well = Json::parse(
      R"({"node": "pi-1", "stack": "web", "revision": "0123456789abcdef0123456789abcdef01234567", "on_revision": true, "text": "", "causes": []})");
  CHECK(why_view(well, screen()) == "stack 'web' of pi-1 is on 0123456789ab\n");
}

TEST_CASE("a purge lists what would go and how to have it removed") {
  Json purge = Json::parse(R"({"node": "pi-1", "stack": "old", "state": "shown", "confirm": "0f3a",
      "volumes": ["old_data"], "directories": ["stacks/old/data/html"], "bytes": 2500})");
  CHECK(purge_view(purge, screen(120)) ==
        "WHAT       NAME\n"
        "volume     old_data\n"
        "directory  stacks/old/data/html\n"
        "           2.5 KB in directories\n"
        "\nnothing was touched; to remove it for good: hivemind stack purge pi-1 old --yes 0f3a\n");
  purge["state"] = "purged";
  CHECK_THAT(purge_view(purge, screen()), ContainsSubstring("is removed"));
  CHECK_THAT(purge_view(Json::parse(R"({"node": "pi-1", "stack": "x"})"), screen()),
             ContainsSubstring("has left nothing"));
}

TEST_CASE("nodes that wait for a window are told apart from those that are waited for") {
  const Json convergence = Json::parse(R"({"converged": true, "failed": [], "waiting": [], "offline": [],
      "scheduled": [{"node": "a", "reason": "window_closed", "text": "opens Sat 02:00"}]})");
  CHECK(progress_line(convergence).empty());
  CHECK(waiting_view(convergence, screen()) == "scheduled  a  window_closed: opens Sat 02:00\n");
}

TEST_CASE("status of a hub that holds back says why once, and is not well") {
  Json status = healthy_status();
  status["desired"]["state"] = "held";
  status["desired"]["text"] = "restored from a backup (run 'hivemind trust resume')";
  status["trust"] = {{"held", true}, {"text", "restored from a backup (run 'hivemind trust resume')"}};
  const std::string text = status_view(status, nodes_of({}), "", screen());
  CHECK_THAT(text, ContainsSubstring("held: every node keeps what it has"));
  CHECK_THAT(text, ContainsSubstring("held     restored from a backup (run 'hivemind trust resume')"));
  CHECK_THAT(text, !ContainsSubstring("--confirm-empty"));
  CHECK_FALSE(is_well(status));
}

TEST_CASE("status of a hub whose nodes obey a key that it does not have says so, and is not well") {
  Json status = healthy_status();
  status["trust"] =
      Json::parse(R"({"held": false, "foreign_keys": [{"key": "cccc", "nodes": 2, "node": "pi-4"},
                                                                   {"key": "dddd", "nodes": 1, "node": "pi-3"}]})");
  const std::string text = status_view(status, nodes_of({}), "", screen());
  CHECK_THAT(text,
             ContainsSubstring("2 nodes obey key 'cccc', such as 'pi-4', which this hub does not have") &&
                 ContainsSubstring("1 node obeys key 'dddd'") && ContainsSubstring("'signing.key'"));
  CHECK_FALSE(is_well(status));
  status["trust"]["foreign_keys"].clear();
  CHECK(is_well(status));
}

TEST_CASE("status of a commit that nobody has signed says so, and is not well; else it tells who has") {
  Json status = healthy_status();
  status["git"]["signer"] = "signed by ada@example.org";
  CHECK_THAT(status_view(status, nodes_of({}), "", screen()), ContainsSubstring("signed by ada@example.org"));
  status["desired"]["state"] = "unsigned";
  status["desired"]["text"] = "it is not signed";
  CHECK_THAT(status_view(status, nodes_of({}), "", screen()),
             ContainsSubstring("unsigned: it is not signed"));
  CHECK_FALSE(is_well(status));
}

TEST_CASE("trust shows key, fingerprint, followers, the keys before, and what a held hub has forgotten") {
  const Json trust = Json::parse(R"json({
    "key": "bbbb", "fingerprint": "bb00", "made_at": "2026-01-31T11:59:00Z",
    "keys": [{"id": "bbbb", "made_at": "2026-01-31T11:59:00Z"}, {"id": "aaaa", "made_at": ""}],
    "nodes": {"following": 2, "others": [{"node": "pi-3", "key": "aaaa", "foreign": false},
                                             {"node": "pi-4", "key": "cccc", "foreign": true}]},
    "held": true, "text": "restored", "ahead": [{"node": "pi-1", "generation": 41, "known": 17}]})json");
  const std::string text = trust_view(trust, screen());
  for (const char* part :
       {"sha256:bb00", "2 follow, 2 not yet", "pi-3 obeys aaaa\n", "pi-4 obeys cccc, which is no", "in force",
        "given way", "not known when", "restored", "pi-1", "41", "17"}) {
    CHECK_THAT(text, ContainsSubstring(part));
  }
  CHECK_THAT(rotated_view(trust, screen()),
             ContainsSubstring("key bbbb is in force") && ContainsSubstring("back up"));
}
