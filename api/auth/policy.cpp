#include "api/auth/policy.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "api/codec/text.h"
#include "api/network.h"
#include "service/json_document.h"

namespace howdah::api {
namespace {

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
constexpr std::size_t kMaxStatements = 20, kMaxPrincipals = 50, kMaxConditions = 10, kMaxActions = 7;
// Of identity policies, and of values in a condition: beyond what anybody writes.
constexpr std::size_t kMaxElements = 500;

struct ActionName {
  std::string_view name;
  bool owner_only;  // no policy gives it to another account
};
constexpr std::array kActions = std::to_array<ActionName>({
    {"AddPermission", true},
    {"CancelMessageMoveTask", true},
    {"ChangeMessageVisibility", false},
    {"CreateQueue", true},
    {"DeleteMessage", false},
    {"DeleteQueue", true},
    {"GetQueueAttributes", false},
    {"GetQueueUrl", false},
    {"ListDeadLetterSourceQueues", false},
    {"ListMessageMoveTasks", true},
    {"ListQueueTags", true},
    {"ListQueues", true},
    {"PurgeQueue", false},
    {"ReceiveMessage", false},
    {"RemovePermission", true},
    {"SendMessage", false},
    {"SetQueueAttributes", true},
    {"StartMessageMoveTask", true},
    {"TagQueue", true},
    {"UntagQueue", true},
});
// What an owner's key can do whatever its queue's policy denies, so that nobody is locked out of a queue.
constexpr std::array<std::string_view, 4> kNeverLockedOut{"DeleteQueue", "GetQueueAttributes", "RemovePermission",
                                                          "SetQueueAttributes"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lowerCase(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), lower);
  return lowered;
}

// * is any text, ? any character. Linear but for the last *, which is tried at each place.
bool matchesGlob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

constexpr std::size_t kArnParts = 6;

// The parts of an ARN; the last holds all colons that are left. Empty if there are too few.
std::optional<std::array<std::string_view, kArnParts>> splitArn(std::string_view arn) {
  std::array<std::string_view, kArnParts> parts;
  for (std::size_t i = 0; i + 1 < kArnParts; ++i) {
    const auto colon = arn.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    parts[i] = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  parts.back() = arn;
  if (parts[0] != "arn") return std::nullopt;
  return parts;
}

// Part by part, so that a * does not reach from one account into another.
bool matchesArn(std::string_view pattern, std::string_view arn) {
  if (pattern == "*") return true;
  const auto wanted = splitArn(pattern), given = splitArn(arn);
  if (!wanted || !given) return false;
  for (std::size_t i = 0; i < kArnParts; ++i) {
    if (!matchesGlob((*wanted)[i], (*given)[i])) return false;
  }
  return true;
}

bool isAccount(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<double> parseNumber(std::string_view text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

// Seconds since the epoch: as such, or ISO 8601 (2010-08-16T12:00:00Z, and shorter).
std::optional<double> parseTime(const std::string& text) {
  if (const auto number = parseNumber(text)) return number;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0, offset = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(static_cast<std::size_t>(used));
  if (!rest.empty()) {
    if (std::sscanf(rest.data(), "T%2d:%2d%n", &hour, &minute, &used) != 2) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(used));
    if (rest.starts_with(':')) {
      const auto end = std::min(rest.find_first_not_of("0123456789.", 1), rest.size());
      const auto parsed = parseNumber(rest.substr(1, end - 1));
      if (!parsed || *parsed < 0 || *parsed >= 61) return std::nullopt;
      second = *parsed;
      rest.remove_prefix(end);
    }
    if (rest.starts_with('+') || rest.starts_with('-')) {
      int hours = 0, minutes = 0;
      used = 0;
      if (std::sscanf(rest.data() + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2) return std::nullopt;
      offset = (rest[0] == '-' ? -1 : 1) * (hours * 3600.0 + minutes * 60.0);
      rest.remove_prefix(static_cast<std::size_t>(used) + 1);
    } else if (rest.starts_with('Z')) {
      rest.remove_prefix(1);
    } else {
      return std::nullopt;
    }
    if (!rest.empty()) return std::nullopt;
  }
  if (month < 1 || day < 1 || hour < 0 || hour > 24 || minute < 0 || minute > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400 + hour * 3600.0 + minute * 60.0 + second - offset;
}

// How a value of a policy is compared with the value of the request. The value of the policy has been checked.
using Compare = bool (*)(const std::string& wanted, const std::string& given);
using Check = bool (*)(const std::string& wanted);

template <class Order>
bool comparesNumbers(const std::string& wanted, const std::string& given) {
  const auto a = parseNumber(given), b = parseNumber(wanted);
  return a && b && Order{}(*a, *b);
}

template <class Order>
bool comparesTimes(const std::string& wanted, const std::string& given) {
  const auto a = parseTime(given), b = parseTime(wanted);
  return a && b && Order{}(*a, *b);
}

bool anyText(const std::string&) { return true; }
bool isNumber(const std::string& text) { return parseNumber(text).has_value(); }
bool isTime(const std::string& text) { return parseTime(text).has_value(); }
bool isBoolean(const std::string& text) { return lowerCase(text) == "true" || lowerCase(text) == "false"; }
bool isNetwork(const std::string& text) { return parseNetwork(text).has_value(); }
bool isArnPattern(const std::string& text) { return text == "*" || splitArn(text).has_value(); }

bool equalTexts(const std::string& wanted, const std::string& given) { return wanted == given; }
bool equalIgnoringCase(const std::string& wanted, const std::string& given) {
  return lowerCase(wanted) == lowerCase(given);
}
bool likeText(const std::string& wanted, const std::string& given) { return matchesGlob(wanted, given); }
bool likeArn(const std::string& wanted, const std::string& given) { return matchesArn(wanted, given); }
bool inNetwork(const std::string& wanted, const std::string& given) { return parseNetwork(wanted)->contains(given); }

struct Operator {
  std::string_view name;
  Compare compare;
  bool negated;  // none of the values may compare; also met by a key that the request does not have
  Check check;
};
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
constexpr std::array kOperators = std::to_array<Operator>({
    {"StringEquals", equalTexts, false, anyText},
    {"StringNotEquals", equalTexts, true, anyText},
    {"StringEqualsIgnoreCase", equalIgnoringCase, false, anyText},
    {"StringNotEqualsIgnoreCase", equalIgnoringCase, true, anyText},
    {"StringLike", likeText, false, anyText},
    {"StringNotLike", likeText, true, anyText},
    {"NumericEquals", comparesNumbers<std::equal_to<>>, false, isNumber},
    {"NumericNotEquals", comparesNumbers<std::equal_to<>>, true, isNumber},
    {"NumericLessThan", comparesNumbers<std::less<>>, false, isNumber},
    {"NumericLessThanEquals", comparesNumbers<std::less_equal<>>, false, isNumber},
    {"NumericGreaterThan", comparesNumbers<std::greater<>>, false, isNumber},
    {"NumericGreaterThanEquals", comparesNumbers<std::greater_equal<>>, false, isNumber},
    {"DateEquals", comparesTimes<std::equal_to<>>, false, isTime},
    {"DateNotEquals", comparesTimes<std::equal_to<>>, true, isTime},
    {"DateLessThan", comparesTimes<std::less<>>, false, isTime},
    {"DateLessThanEquals", comparesTimes<std::less_equal<>>, false, isTime},
    {"DateGreaterThan", comparesTimes<std::greater<>>, false, isTime},
    {"DateGreaterThanEquals", comparesTimes<std::greater_equal<>>, false, isTime},
    {"Bool", equalIgnoringCase, false, isBoolean},
    {"IpAddress", inNetwork, false, isNetwork},
    {"NotIpAddress", inNetwork, true, isNetwork},
    {"ArnEquals", likeArn, false, isArnPattern},  // which are the same to AWS
    {"ArnLike", likeArn, false, isArnPattern},
    {"ArnNotEquals", likeArn, true, isArnPattern},
    {"ArnNotLike", likeArn, true, isArnPattern},
});

std::string isoTime(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

using Value = std::optional<std::string>;  // nothing: the request has no such key

struct ConditionKey {
  std::string_view name;  // lower case
  Value (*of)(const PolicyRequest&);
};
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
constexpr std::array kConditionKeys = std::to_array<ConditionKey>({
    {"aws:currenttime", [](const PolicyRequest& r) { return Value(isoTime(r.now)); }},
    {"aws:epochtime", [](const PolicyRequest& r) { return Value(std::to_string(r.now.time_since_epoch().count())); }},
    {"aws:principalaccount", [](const PolicyRequest& r) { return r.account.empty() ? Value() : Value(r.account); }},
    {"aws:principalarn", [](const PolicyRequest& r) { return r.account.empty() ? Value() : Value(r.principal); }},
    {"aws:securetransport", [](const PolicyRequest& r) { return Value(r.secure ? "true" : "false"); }},
    // These two come with requests that AWS services make on behalf of a resource, of which there are none here.
    {"aws:sourceaccount", [](const PolicyRequest&) { return Value(); }},
    {"aws:sourcearn", [](const PolicyRequest&) { return Value(); }},
    {"aws:sourceip", [](const PolicyRequest& r) { return r.source_ip.empty() ? Value() : Value(r.source_ip); }},
});

struct Condition {
  const Operator* op = nullptr;  // null: Null
  bool if_exists = false;
  const ConditionKey* key = nullptr;
  std::vector<std::string> values;

  bool isMet(const PolicyRequest& request) const {
    const Value given = key->of(request);
    const auto any = [&](const auto& fits) { return std::ranges::any_of(values, fits); };
    if (op == nullptr) return any([&](const std::string& value) { return (lowerCase(value) == "true") == !given; });
    if (!given) return if_exists || op->negated;
    return any([&](const std::string& value) { return op->compare(value, *given); }) != op->negated;
  }
};

}  // namespace

struct Policy::Statement {
  std::string sid;  // may be empty
  bool allows = false;
  bool anybody = false;
  std::set<std::string> accounts;    // all principals of these
  std::set<std::string> principals;  // ARNs
  bool other_actions = false;        // NotAction
  std::vector<std::string> actions;  // lower case, without the service
  bool other_resources = false;      // NotResource
  std::vector<std::string> resources;
  std::vector<Condition> conditions;

  // Who allows the queue's own account leaves it to the policies of its keys what each of them may do.
  bool namesAccountOf(const PolicyRequest& request) const {
    const bool is_delegated = allows && request.account == request.owner && !request.principal.ends_with(":root");
    return accounts.contains(request.account) && !is_delegated;
  }

  bool applies(const PolicyRequest& request, std::string_view action) const {
    const bool is_named =
        anybody || (!request.account.empty() && (namesAccountOf(request) || principals.contains(request.principal)));
    if (!is_named) return false;
    const auto names_action = [&](const std::string& pattern) { return matchesGlob(pattern, action); };
    if (std::ranges::any_of(actions, names_action) == other_actions) return false;
    const auto names_resource = [&](const std::string& pattern) { return matchesArn(pattern, request.resource); };
    if (std::ranges::any_of(resources, names_resource) == other_resources) return false;
    return std::ranges::all_of(conditions, [&](const Condition& condition) { return condition.isMet(request); });
  }
};

namespace {

using Statement = Policy::Statement;

// Thrown within this file only.
struct Refusal {
  std::string why;
};

[[noreturn]] void refuse(std::string why) { throw Refusal{std::move(why)}; }

class Reader {
 public:
  explicit Reader(Policy::Kind kind) : kind_(kind) {}

  std::vector<Statement> read(const rapidjson::Value& root) {
    std::vector<Statement> statements;
    bool has_statement = false;
    // First, since it decides how texts are read.
    if (const auto version = root.FindMember("Version"); version != root.MemberEnd()) {
      const std::string text = textOf(version->value, "Version");
      if (text != "2012-10-17" && text != "2008-10-17") refuse("Version must be 2012-10-17 or 2008-10-17.");
      has_variables_ = text == "2012-10-17";
    }
    forEachMember(root, "a policy", [&](std::string_view name, const rapidjson::Value& value) {
      if (name == "Version") return;
      if (name == "Id") return void(textOf(value, "Id"));
      if (name != "Statement") refuse("A policy has no element " + quoted(name) + ".");
      has_statement = true;
      if (value.IsArray()) {
        for (const auto& one : value.GetArray()) statements.push_back(readStatement(one));
      } else {
        statements.push_back(readStatement(value));
      }
    });
    if (!has_statement || statements.empty()) refuse("A policy needs a Statement.");
    limit(statements.size(), kMaxStatements, "statements");
    limit(principals_, kMaxPrincipals, "principals");
    limit(conditions_, kMaxConditions, "conditions");
    return statements;
  }

 private:
  void limit(std::size_t count, std::size_t of_queues, std::string_view what) const {
    const std::size_t most = kind_ == Policy::Kind::Queue ? of_queues : kMaxElements;
    if (count > most)
      refuse("A policy may have " + std::to_string(most) + " " + std::string(what) + ", not " + std::to_string(count) +
             ".");
  }

  static void forEachMember(const rapidjson::Value& object, std::string_view what, const auto& use) {
    if (!object.IsObject()) refuse("Expected a JSON object as " + std::string(what) + ".");
    std::set<std::string_view> seen;
    for (const auto& member : object.GetObject()) {
      const std::string_view name(member.name.GetString(), member.name.GetStringLength());
      if (!seen.insert(name).second)
        refuse("There are two elements " + quoted(name) + " in " + std::string(what) + ".");
      use(name, member.value);
    }
  }

  std::string textOf(const rapidjson::Value& value, std::string_view element) const {
    if (!value.IsString()) refuse(std::string(element) + " must be a string.");
    std::string text(value.GetString(), value.GetStringLength());
    if (text.find('\0') != std::string::npos) refuse(std::string(element) + " has a NUL in it.");
    if (has_variables_ && text.find("${") != std::string::npos)
      refuse("Policy variables such as " + quoted(text) + " are not supported.");
    return text;
  }

  // One or several; conditions may hold numbers and booleans.
  std::vector<std::string> textsOf(const rapidjson::Value& value, std::string_view element,
                                   bool only_texts = true) const {
    std::vector<std::string> texts;
    const auto add = [&](const rapidjson::Value& one) {
      if (!only_texts && one.IsBool()) {
        texts.emplace_back(one.GetBool() ? "true" : "false");
      } else if (!only_texts && one.IsInt64()) {
        texts.push_back(std::to_string(one.GetInt64()));
      } else if (!only_texts && one.IsNumber()) {
        texts.push_back(std::to_string(one.GetDouble()));
      } else {
        texts.push_back(textOf(one, element));
      }
    };
    if (value.IsArray()) {
      for (const auto& one : value.GetArray()) add(one);
    } else {
      add(value);
    }
    if (texts.empty()) refuse(std::string(element) + " must not be empty.");
    if (texts.size() > kMaxElements) refuse(std::string(element) + " has too many values.");
    return texts;
  }

  Statement readStatement(const rapidjson::Value& object) {
    Statement statement;
    bool has_effect = false, has_principal = false;
    forEachMember(object, "a statement", [&](std::string_view name, const rapidjson::Value& value) {
      if (name == "Sid") {
        statement.sid = textOf(value, "Sid");
      } else if (name == "Effect") {
        const std::string effect = textOf(value, "Effect");
        if (effect != "Allow" && effect != "Deny") refuse("Effect must be Allow or Deny.");
        statement.allows = effect == "Allow";
        has_effect = true;
      } else if (name == "Principal" && kind_ == Policy::Kind::Queue) {
        readPrincipal(value, statement);
        has_principal = true;
      } else if (name == "Action" || name == "NotAction") {
        if (!statement.actions.empty()) refuse("A statement has either Action or NotAction.");
        statement.other_actions = name == "NotAction";
        readActions(textsOf(value, name), statement);
      } else if (name == "Resource" || name == "NotResource") {
        if (!statement.resources.empty()) refuse("A statement has either Resource or NotResource.");
        statement.other_resources = name == "NotResource";
        statement.resources = textsOf(value, name);
        for (const std::string& resource : statement.resources) {
          if (!isArnPattern(resource)) refuse("Resource " + quoted(resource) + " must be an ARN or *.");
        }
      } else if (name == "Condition") {
        readConditions(value, statement);
      } else {
        refuse("The element " + quoted(name) + " of a statement is not supported.");
      }
    });
    if (!has_effect) refuse("A statement needs an Effect.");
    if (statement.actions.empty()) refuse("A statement needs an Action.");
    if (statement.resources.empty()) refuse("A statement needs a Resource.");
    if (kind_ == Policy::Kind::Identity) statement.anybody = true;  // who holds the key
    if (kind_ == Policy::Kind::Queue && !has_principal) refuse("A statement of a queue's policy needs a Principal.");
    return statement;
  }

  void readPrincipal(const rapidjson::Value& value, Statement& statement) {
    if (value.IsString()) {
      if (textOf(value, "Principal") != "*") refuse("Principal must be * or an object such as {\"AWS\": ...}.");
      ++principals_;
      statement.anybody = true;
      return;
    }
    bool any = false;
    forEachMember(value, "Principal", [&](std::string_view type, const rapidjson::Value& names) {
      any = true;
      if (type != "AWS" && type != "Service") refuse("Principals of type " + quoted(type) + " are not supported.");
      for (const std::string& name : textsOf(names, "Principal")) {
        ++principals_;
        if (type == "Service") {
          // Services of AWS do not call here, so this names nobody.
          if (!name.ends_with(".amazonaws.com") && !name.ends_with(".amazonaws.com.cn"))
            refuse("Principal " + quoted(name) + " is not a service of AWS.");
        } else {
          readAwsPrincipal(name, statement);
        }
      }
    });
    if (!any) refuse("Principal must not be empty.");
  }

  static void readAwsPrincipal(const std::string& name, Statement& statement) {
    if (name == "*") {
      statement.anybody = true;
      return;
    }
    if (isAccount(name)) {
      statement.accounts.insert(name);
      return;
    }
    const auto arn = splitArn(name);
    const bool known = arn && (*arn)[1].starts_with("aws") && ((*arn)[2] == "iam" || (*arn)[2] == "sts") &&
                       (*arn)[3].empty() && isAccount((*arn)[4]) && !arn->back().empty() &&
                       name.find_first_of("*?") == std::string::npos;
    if (!known) refuse("Principal " + quoted(name) + " must be an account, the ARN of a user or role, or *.");
    if (arn->back() == "root") {
      statement.accounts.emplace((*arn)[4]);
    } else {
      statement.principals.insert(name);
    }
  }

  void readActions(const std::vector<std::string>& actions, Statement& statement) {
    if (kind_ == Policy::Kind::Queue && actions.size() > kMaxActions)
      refuse(std::to_string(actions.size()) + " Actions were found, maximum allowed is 7.");
    for (const std::string& action : actions) {
      std::string pattern = lowerCase(action);
      if (pattern != "*") {
        if (!pattern.starts_with("sqs:")) refuse("Action " + quoted(action) + " is not one of SQS.");
        pattern.erase(0, 4);
      }
      const bool names_any =
          std::ranges::any_of(kActions, [&](const auto& known) { return matchesGlob(pattern, lowerCase(known.name)); });
      if (!names_any) {
        refuse("Action " + quoted(action) + " is not one that SQS has" +
               (pattern.ends_with("batch") ? "; what allows a single action allows its batch." : "."));
      }
      statement.actions.push_back(std::move(pattern));
    }
  }

  void readConditions(const rapidjson::Value& value, Statement& statement) {
    forEachMember(value, "Condition", [&](std::string_view name, const rapidjson::Value& keys) {
      constexpr std::string_view kIfExists = "IfExists";
      std::string_view operator_name = name;
      const bool if_exists = name.ends_with(kIfExists);
      if (if_exists) operator_name.remove_suffix(kIfExists.size());
      const auto* op = std::ranges::find(kOperators, operator_name, &Operator::name);
      const bool is_null = name == "Null";
      if (op == kOperators.end() && !is_null) refuse("The condition operator " + quoted(name) + " is not supported.");
      forEachMember(keys, "a condition", [&](std::string_view key_name, const rapidjson::Value& values) {
        const auto* key = std::ranges::find(kConditionKeys, lowerCase(key_name), &ConditionKey::name);
        if (key == kConditionKeys.end()) refuse("The condition key " + quoted(key_name) + " is not supported.");
        Condition condition{is_null ? nullptr : op, if_exists, key, textsOf(values, key_name, false)};
        for (const std::string& one : condition.values) {
          if (!(is_null ? isBoolean(one) : op->check(one)))
            refuse("The value " + quoted(one) + " does not suit the condition operator " + std::string(name) + ".");
        }
        ++conditions_;
        statement.conditions.push_back(std::move(condition));
      });
    });
  }

  const Policy::Kind kind_;
  bool has_variables_ = false;
  std::size_t principals_ = 0, conditions_ = 0;
};

}  // namespace

Policy::Policy() = default;
Policy::~Policy() = default;

std::variant<std::shared_ptr<const Policy>, std::string> Policy::parse(std::string_view json, Kind kind) try {
  const auto document = service::parseJsonObject(json);
  if (!document) refuse("A policy is a JSON object.");
  auto policy = std::make_shared<Policy>();
  policy->statements_ = Reader(kind).read(*document);
  return std::shared_ptr<const Policy>(std::move(policy));
} catch (Refusal& refusal) {
  return std::move(refusal.why);
}

Policy::Effect Policy::evaluate(const PolicyRequest& request, std::string* name) const {
  const std::string action = lowerCase(request.action);
  const Statement* decisive = nullptr;
  for (const Statement& statement : statements_) {
    if (decisive != nullptr && statement.allows) continue;
    if (!statement.applies(request, action)) continue;
    decisive = &statement;
    if (!statement.allows) break;
  }
  if (decisive == nullptr) return Effect::None;
  if (name != nullptr)
    *name = decisive->sid.empty() ? "#" + std::to_string(decisive - statements_.data() + 1) : decisive->sid;
  return decisive->allows ? Effect::Allow : Effect::Deny;
}

Decision decide(const PolicyRequest& request, const Policies& policies) {
  using enum Policy::Effect;
  const auto effect = [&](const Policy* policy, std::string& statement) {
    return policy != nullptr ? policy->evaluate(request, &statement) : None;
  };
  const auto none_allows = [&](std::string_view kind) {
    return Decision{false, "because no " + std::string(kind) +
                               "-based policy allows the sqs:" + lowerCase(request.action) + " action"};
  };
  const bool is_owner = !request.account.empty() && request.account == request.owner;
  const bool unrestricted = policies.of_caller == nullptr;
  const Decision by_owner{true, {}, "owner"};
  if (is_owner && unrestricted &&
      (policies.queue_policy_is_broken || std::ranges::find(kNeverLockedOut, request.action) != kNeverLockedOut.end()))
    return by_owner;

  std::string of_caller, of_queue;
  const auto by_caller = effect(policies.of_caller, of_caller), by_queue = effect(policies.of_queue, of_queue);
  const Decision by_identity{true, {}, "identity policy", of_caller}, by_resource{true, {}, "queue policy", of_queue};
  if (by_caller == Deny) return {false, "with an explicit deny in an identity-based policy", by_identity.by, of_caller};
  constexpr const char* kDeniedByQueue = "with an explicit deny in a resource-based policy";
  if (by_queue == Deny) return {false, kDeniedByQueue, by_resource.by, of_queue};
  if (policies.queue_policy_is_broken) return {false, kDeniedByQueue, "broken queue policy"};
  if (is_owner) {
    if (unrestricted) return by_owner;
    if (by_caller == Allow) return by_identity;
    return by_queue == Allow ? by_resource : none_allows("identity");
  }

  const auto* action = std::ranges::find(kActions, request.action, &ActionName::name);
  if (action == kActions.end() || action->owner_only || by_queue != Allow) return none_allows("resource");
  if (!unrestricted && by_caller != Allow) return none_allows("identity");
  return by_resource;
}

}  // namespace howdah::api
