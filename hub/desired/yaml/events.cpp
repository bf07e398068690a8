#include <algorithm>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "hub/desired/yaml/document.h"

namespace hivemind::hub::yaml {
namespace {

constexpr std::string_view kCoreTagPrefix = "tag:yaml.org,2002:";

// Leaves yaml-cpp's recursion once a limit is exceeded; caught in read_document.
struct Refused {
  Diagnostic diagnostic;
};

class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const std::string& file, const Limits& limits)
      : text_(text), file_(file), limits_(limits) {}

  Document take() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(RawKind::kNull, mark, anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(RawKind::kAlias, mark, YAML::NullAnchor).target = anchors_.at(anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RawNode& node = add(RawKind::kScalar, mark, anchor);
    node.scalar = value;
    const std::string_view written = source(mark);
    const char first = written.empty() ? ' ' : written.front();
    const bool quoted = first == '\'' || first == '"';
    // With an explicit tag the event itself does not tell how the scalar was written.
    node.plain = tag == "?" || (tag != "!" && !quoted && first != '|' && first != '>');
    if (quoted && !node.plain) require_closed(node, written);
    apply_scalar_tag(node, tag);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(RawKind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(RawKind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  [[noreturn]] void refuse(std::string code, int line, int column, std::string message,
                           std::string remedy) const {
    throw Refused{{.code = std::move(code),
                   .location = {file_, line, column},
                   .message = std::move(message),
                   .remedy = std::move(remedy)}};
  }

  RawNode& add(RawKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    const auto index = static_cast<Index>(document_.nodes.size());
    if (index >= limits_.max_nodes) {
      refuse("yaml.too-many-nodes", mark.line + 1, mark.column + 1,
             fmt::format("the document has more than {} values", limits_.max_nodes), "split the file");
    }
    if (!open_.empty()) document_.nodes[open_.back()].children.push_back(index);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = index;
    RawNode& node = document_.nodes.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void open(RawKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    // Every level of yaml-cpp's recursion passes here, so this keeps its stack small, too.
    if (open_.size() >= limits_.max_depth) {
      refuse("yaml.too-deep", mark.line + 1, mark.column + 1,
             fmt::format("lists and maps are nested more than {} deep", limits_.max_depth), "");
    }
    RawNode& node = add(kind, mark, anchor);
    const std::string_view own = kind == RawKind::kMap ? "map" : "seq";
    if (!tag.starts_with(kCoreTagPrefix)) {
      node.tag = tag == "?" || tag == "!" ? "" : tag;
    } else if (tag.substr(kCoreTagPrefix.size()) != own) {
      refuse_tag(node, tag);
    }
    open_.push_back(static_cast<Index>(document_.nodes.size() - 1));
  }

  [[noreturn]] void refuse_tag(const RawNode& node, std::string_view tag) const {
    refuse("yaml.tag", node.line, node.column,
           fmt::format("tag '!!{}' does not fit the value", tag.substr(kCoreTagPrefix.size())),
           "remove the tag");
  }

  void apply_scalar_tag(RawNode& node, const std::string& tag) const {
    if (tag == "?" || tag == "!") return;
    if (!tag.starts_with(kCoreTagPrefix)) {
      node.tag = tag;
      if (node.plain && node.scalar.empty()) node.kind = RawKind::kNull;
      return;
    }
    const std::string_view name = std::string_view(tag).substr(kCoreTagPrefix.size());
    if (name == "str") {
      node.plain = false;
      return;
    }
    Node typed;
    typed.kind = Kind::kScalar;
    typed.plain = true;
    typed.scalar = node.scalar;
    const Type type = node.scalar.empty() ? Type::kNull : typed.type();
    const bool fits = (name == "int" && type == Type::kInteger) || (name == "bool" && type == Type::kBool) ||
                      (name == "float" && (type == Type::kFloat || type == Type::kInteger)) ||
                      (name == "null" && type == Type::kNull);
    if (!fits) refuse_tag(node, tag);
    node.plain = true;
    if (name == "null") node.kind = RawKind::kNull;
  }

  // Where the scalar itself starts, behind its tag and anchor: the mark is that of the first of them.
  std::string_view source(const YAML::Mark& mark) const {
    constexpr std::string_view kSpace = " \t\r\n";
    std::string_view rest = text_.substr(std::min(static_cast<std::size_t>(mark.pos), text_.size()));
    while (!rest.empty() && (rest.front() == '!' || rest.front() == '&')) {
      rest.remove_prefix(std::min(rest.find_first_of(kSpace), rest.size()));
      rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
    }
    return rest;
  }

  // yaml-cpp 0.7 takes the end of the file after a line break for the closing quote.
  void require_closed(const RawNode& node, std::string_view source) const {
    const char quote = source.front();
    for (std::size_t i = 1; i < source.size(); ++i) {
      const bool doubled = quote == '\'' && source.substr(i, 2) == "''";
      if (doubled || (quote == '"' && source[i] == '\\')) {
        ++i;
      } else if (source[i] == quote) {
        return;
      }
    }
    refuse("yaml.syntax", node.line, node.column, "a quoted string does not end", "close the quote");
  }

  std::string_view text_;
  const std::string& file_;
  const Limits& limits_;
  Document document_;
  std::vector<Index> open_;  // the lists and maps that are not yet ended
  std::map<YAML::anchor_t, Index> anchors_;
};

}  // namespace

std::optional<std::vector<Document>> read_documents(std::string_view text, const std::string& file,
                                                    const Limits& limits, Diagnostics& diagnostics) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    std::vector<Document> documents;
    Limits left = limits;
    while (true) {
      Builder builder(text, file, left);
      if (!parser.HandleNextDocument(builder)) return documents;
      documents.push_back(builder.take());
      left.max_nodes -= documents.back().nodes.size();
    }
  } catch (const Refused& refused) {
    diagnostics.push_back(refused.diagnostic);
  } catch (const YAML::Exception& error) {
    diagnostics.push_back({.code = "yaml.syntax",
                           .location = {file, error.mark.line + 1, error.mark.column + 1},
                           .message = error.msg});
  }
  return std::nullopt;
}

}  // namespace hivemind::hub::yaml
