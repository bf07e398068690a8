#include "hub/enrolment.h"

#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/log.h"
#include "hub/enrolment/rules.h"
#include "hub/enrolment/token.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;
using x509::Certificate;
using x509::PublicKey;
using x509::sys_seconds;

constexpr std::int64_t kMostUses = 100'000;
constexpr auto kLeastTtl = std::chrono::milliseconds(1s);
constexpr auto kMostTtl = std::chrono::milliseconds(366 * 24h);
constexpr auto kAskedEvery =
    std::chrono::milliseconds(1min);  // how often it is stored that somebody still waits
constexpr auto kWaitingLife = std::chrono::milliseconds(7 * 24h);  // of who does not ask any more
constexpr auto kRefusalPause = std::chrono::milliseconds(1s);      // between lines in the log
constexpr auto kForgetEvery = std::chrono::milliseconds(24h);
constexpr std::size_t kRequestDigits = 12;
constexpr std::size_t kMaxFactBytes = 256;
constexpr std::size_t kMaxLabelBytes = 1024;
constexpr std::size_t kMaxLabels = 100;

sys_seconds time_of(std::int64_t unix_ms) {
  return sys_seconds(std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(unix_ms)));
}

std::int64_t ms_of(sys_seconds time) {
  return std::chrono::milliseconds(time.time_since_epoch()).count();
}

void require_label(const std::string& key, const std::string& value) {
  if (!is_label_key(key))
    throw Error(ErrorCode::kInvalid, "'{}' is no key of a label (letters, digits, '.', '_', '-')", key);
  if (value.size() > kMaxLabelBytes) {
    throw Error(ErrorCode::kInvalid, "label '{}' has {} bytes, at most {} are taken", key, value.size(),
                kMaxLabelBytes);
  }
}

void require_labels(const Labels& labels) {
  if (labels.size() > kMaxLabels)
    throw Error(ErrorCode::kInvalid, "{} labels, at most {} are taken", labels.size(), kMaxLabels);
  for (const auto& [key, value] : labels) require_label(key, value);
}

MachineFacts cut(MachineFacts facts) {
  for (std::string* each : {&facts.arch, &facts.os, &facts.kernel, &facts.hostname, &facts.agent_version})
    each->resize(std::min(each->size(), kMaxFactBytes));
  return facts;
}

[[noreturn]] void refuse(const Refused& refused) {
  throw Error(refused.code, refused.text);
}

std::string request_of(const std::string& token, const std::string& key_sha256) {
  return sha256_hex(token + ":" + key_sha256).substr(0, kRequestDigits);
}

}  // namespace

Enrolment::Enrolment(EnrolmentTable& table, const Authority& authority, Inventory& inventory,
                     EnrolmentOptions options, Clock clock, Callbacks callbacks)
    : table_(table),
      authority_(authority),
      inventory_(inventory),
      options_(options),
      clock_(std::move(clock)),
      callbacks_(std::move(callbacks)) {
  forget_old();
  for (const EnrolledNode& node : table_.nodes()) show(node);
}

// What has ended for good needs no place; looked at now and then, since it is nothing that anybody waits for.
void Enrolment::forget_old() {
  const std::int64_t now = clock_();
  if (now - forgotten_at_ms_ < kForgetEvery.count()) return;
  forgotten_at_ms_ = now;
  try {
    table_.forget_certificates(now - std::chrono::milliseconds(options_.renewal_grace).count());
    table_.forget_waiting(now - kWaitingLife.count(), now);
  } catch (const Error& error) {  // a full disk; the hub starts all the same
    log::warn("enrolments that have ended are not forgotten: {} (tried again later)", error.what());
  }
}

void Enrolment::show(const EnrolledNode& node) {
  if (const EnrolledNode* before = find(node.id)) by_key_.erase(before->key_sha256);
  by_key_[node.key_sha256] = node.id;
  nodes_.insert_or_assign(node.id, node);
  seal_keys_.erase(node.id);
  Node& shown = inventory_.node(node.id);
  shown.membership = node.revoked_at_ms == 0 ? Membership::kEnrolled : Membership::kRevoked;
  shown.given_labels = node.labels;
  shown.certificate_until_ms = node.certificate_until_ms;
  shown.revoked_at_ms = node.revoked_at_ms;
  if (node.revoked_at_ms != 0) return;
  try {
    seal_keys_.emplace(node.id, SealKey::parse(node.seal_key));
  } catch (const Error& error) {  // one node's key is no reason to leave all others without manifests
    log::error("node '{}' gets no secrets: {} ('hivemind node replace {}')", node.id, error.what(), node.id);
  }
}

const EnrolledNode* Enrolment::find(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

const SealKey* Enrolment::sealing_key(std::string_view node) const {
  const auto found = seal_keys_.find(node);
  return found == seal_keys_.end() ? nullptr : &found->second;
}

std::string Enrolment::revocation_list() const {
  return authority_.revocation_list(table_.revoked_serials(clock_()), table_.revocation_count());
}

std::set<std::string> Enrolment::revoked_nodes() const {
  return table_.revoked_nodes(clock_());
}

// --- what nodes ask

Enrolment::Answer Enrolment::enrol(const Question& question) {
  forget_old();
  const std::optional<TokenCredential> credential = parse_credential(question.credential);
  const std::optional<EnrolmentToken> token = credential ? table_.token(credential->id) : std::nullopt;
  EnrolmentQuestion asked;
  asked.secret_sha256 = sha256_hex(credential ? credential->secret : "");
  asked.wish = question.wish;
  asked.facts = question.facts;
  asked.now_ms = clock_();
  EnrolmentKnowledge known;
  known.token = token ? &*token : nullptr;
  known.is_taken = [this](const std::string& node) { return nodes_.contains(node); };
  // Who has not the token's secret learns nothing of what else is wrong, and makes the hub do nothing.
  if (known.token == nullptr || !same_bytes(token->secret_sha256, asked.secret_sha256)) {
    known.token = nullptr;
    refuse(std::get<Refused>(decide(known, asked)));
  }
  const x509::Request request = x509::Request::parse(question.csr);
  SealKey::parse(question.seal_key);
  asked.key_sha256 = request.public_key().fingerprint();
  known.same_key = with_key(token->id, asked.key_sha256);
  const std::optional<WaitingNode> before = table_.asked(token->id, asked.key_sha256);
  known.waiting_with_token = static_cast<std::size_t>(table_.count_waiting(token->id));
  known.waiting = before ? &*before : nullptr;
  const EnrolmentDecision decision = decide(known, asked);
  if (const auto* refused = std::get_if<Refused>(&decision)) refuse(*refused);
  if (std::holds_alternative<Repeated>(decision)) return answer(*known.same_key, News::kNo);
  if (const auto* away = std::get_if<hub::TurnedAway>(&decision)) return TurnedAway{away->request};
  if (const auto* waits = std::get_if<Waits>(&decision))
    return wait(question, known.waiting, token->id, asked.key_sha256, waits->node);
  const auto& admitted = std::get<Admitted>(decision);
  return admit(question, *token, request.public_key(), admitted.node, admitted.replacing);
}

const EnrolledNode* Enrolment::with_key(std::string_view token, std::string_view key_sha256) {
  const auto id = by_key_.find(key_sha256);
  if (id == by_key_.end()) return nullptr;
  const EnrolledNode& node = nodes_.find(id->second)->second;
  return node.token == token ? &node : nullptr;
}

Enrolment::Waiting Enrolment::wait(const Question& question, const WaitingNode* before,
                                   const std::string& token, const std::string& key_sha256,
                                   const std::string& node) {
  const std::int64_t now = clock_();
  WaitingNode waiting = before != nullptr ? *before : WaitingNode{};
  if (before != nullptr && now - before->asked_at_ms < kAskedEvery.count()) return {before->request};
  if (before == nullptr) {
    waiting = {request_of(token, key_sha256),
               token,
               key_sha256,
               node,
               cut(question.facts),
               question.address,
               now,
               now,
               0,
               0};
    log::info("machine '{}' at '{}' waits to become node '{}' (hivemind node approve {})",
              waiting.facts.hostname, question.address, node, waiting.request);
  }
  waiting.asked_at_ms = now;
  table_.put(waiting);
  return {waiting.request};
}

Enrolment::Enrolled Enrolment::admit(const Question& question, const EnrolmentToken& token,
                                     const PublicKey& key, const std::string& id, Replacing replacing) {
  std::optional<EnrolledNode> former;
  if (const EnrolledNode* found = find(id)) former = *found;
  const bool replaces = replacing == Replacing::kYes && former;
  EnrolledNode node;
  node.id = id;
  node.labels = token.labels;
  if (replaces) {  // the place is the same one: what it was given stays, unless the token says otherwise
    for (const auto& [name, value] : former->labels) node.labels.emplace(name, value);
  }
  node.seal_key = SealKey::parse(question.seal_key).text();
  node.token = token.id;
  node.facts = cut(question.facts);
  node.enrolled_at_ms = clock_();
  give(node, key);
  table_.commit({node,
                 {node.serial, id, node.certificate_until_ms},
                 token.id,
                 node.key_sha256,
                 replaces ? Replacing::kYes : Replacing::kNo});
  show(node);
  log::info("node '{}' is enrolled{}, certificate {}", id, replaces ? " in the place of the one before" : "",
            node.serial);
  if (replaces) callbacks_.on_revoked(id, Revocation::kReplaced);
  callbacks_.on_enrolled(id);
  return answer(node, News::kYes, former ? &*former : nullptr);
}

// A certificate for the key, which becomes its newest one.
void Enrolment::give(EnrolledNode& node, const PublicKey& key) {
  const Certificate certificate =
      authority_.issue_node(key, node.id, time_of(clock_()) + options_.certificate_life);
  node.key_sha256 = key.fingerprint();
  node.certificate = certificate.pem();
  node.serial = certificate.serial();
  node.certificate_until_ms = ms_of(certificate.not_after());
}

Enrolment::Enrolled Enrolment::answer(const EnrolledNode& node, News news, const EnrolledNode* before) const {
  return {node.id, authority_.chain(Certificate::parse(node.certificate)), news,
          before != nullptr ? std::optional(*before) : std::nullopt};
}

Enrolment::Enrolled Enrolment::renew(std::string_view certificate, const std::string& csr,
                                     std::string_view signature) {
  forget_old();
  const Certificate old = Certificate::parse(certificate);
  const x509::Request request = x509::Request::parse(csr);
  if (!old.is_issued_by(authority_.certificate()) || !old.has_purpose(x509::Purpose::kClient))
    throw Error(ErrorCode::kDenied, "the certificate is none of this hub's nodes");
  const PublicKey old_key = old.public_key();
  if (!old_key.verify(std::string(kRenewalDomain) + csr, signature))
    throw Error(ErrorCode::kDenied, "the request is not signed by the key of the certificate");
  const EnrolledNode* known = find(old.common_name());
  const RenewalQuestion question{old.serial(), ms_of(old.not_after()), old_key.fingerprint(),
                                 request.public_key().fingerprint(), clock_()};
  const RenewalDecision decision =
      decide_renewal(known, table_.certificate_state(question.serial), question, options_.renewal_grace);
  if (const auto* refused = std::get_if<Refused>(&decision)) {
    if (question.now_ms - refusal_told_at_ms_ >= kRefusalPause.count()) {
      refusal_told_at_ms_ = question.now_ms;
      log::warn("the certificate {} of '{}' is not renewed: {}", question.serial, old.common_name(),
                refused->text);
    }
    refuse(*refused);
  }
  if (std::holds_alternative<Repeated>(decision)) return answer(*known, News::kNo);
  require_patience(known->id);
  const EnrolledNode former = *known;
  const Renewed::Kind kind = std::get<Renewed>(decision).kind;
  if (kind == Renewed::Kind::kRestored) {
    log::warn(
        "the certificate {} of node '{}' is ours and not remembered: this hub was restored from a backup",
        question.serial, known->id);
  }
  const bool is_again = kind == Renewed::Kind::kAgain;
  EnrolledNode node = former;
  give(node, request.public_key());
  node.previous_serial = is_again ? "" : question.serial;
  node.renewed_at_ms = clock_();
  Issuing issuing{node, {node.serial, node.id, node.certificate_until_ms}};
  if (is_again) issuing.ended = former.serial;
  table_.commit(issuing);
  show(node);
  log::info("node '{}' has renewed its certificate: {}", node.id, node.serial);
  if (is_again) {
    log::warn(
        "node '{}' has renewed certificate {} a second time, so {} is revoked: was it set back to an older "
        "state? Else somebody else has its key (hivemind node replace {})",
        node.id, question.serial, former.serial, node.id);
    callbacks_.on_revoked(node.id, Revocation::kReplaced);
  }
  return answer(node, News::kYes, &former);
}

// A certificate is good for months. Whoever asks for one after the other would have each kept here.
void Enrolment::require_patience(const std::string& node) {
  constexpr int kMostOfAnHour = 10;
  constexpr std::int64_t kHourMs = std::chrono::milliseconds(1h).count();
  const std::int64_t hour = clock_() / kHourMs;
  if (hour != renewals_hour_) {
    renewals_.clear();
    renewals_hour_ = hour;
  }
  if (++renewals_[node] > kMostOfAnHour) {
    throw Error(ErrorCode::kExhausted,
                "node '{}' has renewed its certificate {} times within the hour (wait)", node, kMostOfAnHour);
  }
}

// --- what operators do

Enrolment::NewToken Enrolment::create_token(const TokenWish& wish) {
  if (!wish.node.empty()) {
    require_node_id(wish.node);
    if (const EnrolledNode* known = find(wish.node)) {
      throw Error(ErrorCode::kConflict,
                  "node '{}' is {} (a token of 'hivemind node replace {}' lets new hardware take its place)",
                  wish.node, known->revoked_at_ms != 0 ? "revoked" : "enrolled already", wish.node);
    }
  }
  return add_token(wish, Replacing::kNo);
}

Enrolment::NewToken Enrolment::replace(const std::string& node, const TokenWish& wish) {
  require(node);
  TokenWish bound = wish;
  bound.node = node;
  return add_token(bound, Replacing::kYes);
}

Enrolment::NewToken Enrolment::add_token(const TokenWish& wish, Replacing replacing) {
  require_labels(wish.labels);
  if (wish.uses < 1 || wish.uses > kMostUses)
    throw Error(ErrorCode::kInvalid, "{} uses (expected 1 to {})", wish.uses, kMostUses);
  if (!wish.node.empty() && wish.uses != 1)
    throw Error(ErrorCode::kInvalid, "a token for the one id '{}' has one use, not {}", wish.node, wish.uses);
  if (wish.ttl < kLeastTtl || wish.ttl > kMostTtl)
    throw Error(ErrorCode::kInvalid, "a token lasts between a second and 366 days");
  const TokenCredential credential = make_credential();
  EnrolmentToken token;
  token.id = credential.id;
  token.secret_sha256 = sha256_hex(credential.secret);
  token.labels = wish.labels;
  token.node = wish.node;
  token.replacing = replacing;
  token.approval = wish.approval;
  token.uses = wish.uses;
  token.created_by = wish.by;
  token.created_at_ms = clock_();
  token.expires_at_ms = token.created_at_ms + wish.ttl.count();
  table_.add(token);
  return {token, token_text(authority_.certificate().fingerprint_bytes(), credential)};
}

void Enrolment::revoke_token(const std::string& id) {
  if (!table_.revoke_token(id, clock_()))
    throw Error(ErrorCode::kNotFound, "there is no enrolment token '{}' that is not revoked", id);
}

// By the request also one that was turned away; under its id somebody else may be waiting since.
WaitingNode Enrolment::waiting_of(const std::string& which) {
  std::optional<WaitingNode> found = table_.asked(which);
  if (found) return *found;
  for (WaitingNode& each : table_.waiting()) {
    if (each.node != which) continue;
    if (found) {
      throw Error(ErrorCode::kConflict,
                  "several machines wait to become node '{}' (name the request: '{}', '{}', …)", which,
                  found->request, each.request);
    }
    found = std::move(each);
  }
  if (!found) throw Error(ErrorCode::kNotFound, "nobody waits as '{}' (see 'hivemind node waiting')", which);
  return *found;
}

WaitingNode Enrolment::approve(const std::string& which, const std::string& as) {
  WaitingNode waiting = waiting_of(which);
  const std::optional<EnrolmentToken> token = table_.token(waiting.token);
  if (!as.empty()) {
    require_node_id(as);
    if (!token->node.empty() && as != token->node)
      throw Error(ErrorCode::kConflict, "the machine's token is for node '{}', not for '{}'", token->node,
                  as);
    waiting.node = as;
  }
  std::int64_t approved = 0;
  for (const WaitingNode& each : table_.waiting()) {
    if (each.request == waiting.request || each.approved_at_ms == 0) continue;
    approved += each.token == waiting.token;
    if (each.node == waiting.node)
      throw Error(ErrorCode::kConflict,
                  "node id '{}' is promised to another machine, request '{}' (give one with --id)",
                  waiting.node, each.request);
  }
  if (token->used + approved >= token->uses) {
    throw Error(ErrorCode::kConflict, "the token '{}' is used up (it was good for {} node{})", token->id,
                token->uses, token->uses == 1 ? "" : "s");
  }
  if (find(waiting.node) != nullptr && token->replacing == Replacing::kNo)
    throw Error(ErrorCode::kConflict, "node id '{}' is taken (give another one with --id)", waiting.node);
  waiting.approved_at_ms = clock_();
  waiting.rejected_at_ms = 0;
  table_.put(waiting);
  return waiting;
}

WaitingNode Enrolment::reject(const std::string& which) {
  WaitingNode waiting = waiting_of(which);
  waiting.approved_at_ms = 0;
  waiting.rejected_at_ms = clock_();
  table_.put(waiting);
  return waiting;
}

const EnrolledNode& Enrolment::require(const std::string& node) {
  const auto found = nodes_.find(node);
  if (found != nodes_.end()) return found->second;
  throw Error(ErrorCode::kNotFound,
              "node '{}' is not enrolled (make a token for it: 'hivemind node token create --id {}')", node,
              node);
}

void Enrolment::revoke(const std::string& id) {
  EnrolledNode node = require(id);
  if (node.revoked_at_ms == 0) node.revoked_at_ms = clock_();
  table_.revoke_node(id, node.revoked_at_ms);
  show(node);
  log::info("node '{}' is revoked", id);
  callbacks_.on_revoked(id, Revocation::kNode);
}

Labels Enrolment::label(const std::string& id, const Labels& set, const std::vector<std::string>& remove) {
  EnrolledNode node = require(id);
  for (const std::string& key : remove) node.labels.erase(key);
  for (const auto& [key, value] : set) node.labels.insert_or_assign(key, value);
  require_labels(node.labels);
  if (node.labels == find(id)->labels) return node.labels;
  table_.set_labels(id, node.labels);
  show(node);
  callbacks_.on_labels_changed(id);
  return node.labels;
}

}  // namespace hivemind::hub
