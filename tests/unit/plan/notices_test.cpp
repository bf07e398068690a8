#include "agent/plan/notices.h"

#include "tests/support/catch.h"

using namespace hivemind::agent;

TEST_CASE("what is learnt of a subject replaces what was known of it, and an empty list forgets it") {
  Notices notices;
  notices.learn("web/app", engine_warnings("web", "app", {"no swap limit\n", " ", ""}));
  notices.learn("web/volume:data", {{"web", notice_kinds::kVolumeDiffers, "", "differs"}});
  notices.learn("website/app", engine_warnings("website", "app", {"other"}));
  REQUIRE(notices.of_stack("web").size() == 2);
  CHECK(notices.of_stack("web")[0].text == "no swap limit");
  notices.learn("web/app", engine_warnings("web", "app", {"newer"}));
  CHECK(notices.of_stack("web")[0].text == "newer");
  notices.learn("web/app", {});
  CHECK(notices.of_stack("web").size() == 1);
  notices.keep([](const std::string& subject) { return subject == "website/app"; });
  CHECK(notices.of_stack("web").empty());
  CHECK(notices.of_stack("website").size() == 1);
}

TEST_CASE("notices are presented sorted, each once, bounded in number and length, and printable") {
  std::vector<Notice> many;
  for (int i = 0; i < 200; ++i) many.push_back({"web", "file_kept", "app", "f" + std::to_string(i)});
  many.push_back({"web", "engine_warning", "db", "b"});
  many.push_back({"web", "engine_warning", "app", "a"});
  many.push_back({"web", "engine_warning", "app", "a"});
  const auto shown = presentable(many);
  REQUIRE(shown.size() == 2 + 51);
  CHECK(shown[0].service == "app");
  CHECK(shown[1].service == "db");
  CHECK(shown.back().text == "and 150 more");
  CHECK(presentable({{"web", "k", "", std::string(100'000, 'x')}})[0].text.size() < 600);
  const std::string odd = "tab\t bad\xff overlong\xc0\xaf cut\xe2\x82";
  CHECK(presentable({{"web", "k", "", odd}})[0].text == "tab\\x09 bad\\xff overlong\\xc0\\xaf cut\\xe2\\x82");
  CHECK(presentable({{"web", "k", "", "größe €"}})[0].text == "größe €");
}
