#pragma once

#include <nlohmann/json.hpp>

#include "hub/enrolment.h"

// What the API shows of tokens, of who waits, and what is asked of it there, as JSON. Pure: docs/api.md
// describes every field.
namespace hivemind::hub::api {

// Never with the secret, nor its digest.
nlohmann::json token_view(const EnrolmentToken& token, std::int64_t now_ms);
nlohmann::json waiting_view(const WaitingNode& waiting);

// Bodies. Throw kInvalid, naming the member.
Enrolment::Question enrolment_question(const std::string& body);
struct RenewalBody {
  std::string certificate, csr, signature;
};
RenewalBody renewal_body(const std::string& body);
Enrolment::TokenWish token_wish(const std::string& body);
struct LabelBody {
  Labels set;
  std::vector<std::string> remove;
};
LabelBody label_body(const std::string& body);
std::string approval_body(const std::string& body);  // the id to use; empty: the one that it would get

}  // namespace hivemind::hub::api
