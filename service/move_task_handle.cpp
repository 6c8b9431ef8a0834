#include "service/move_task_handle.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "service/base64url.h"
#include "service/json_document.h"
#include "service/message_id.h"

namespace howdah::service {
namespace {

std::optional<persistence::MoveTaskId> parseUuid(std::string_view text) {
  persistence::MoveTaskId id{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    if (at + 2 > text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, id[i], 16);
    if (error != std::errc() || end != text.data() + at + 2) return std::nullopt;
    at += 2;
  }
  if (text != toString(id)) return std::nullopt;  // the dashes, and lower case
  return id;
}

}  // namespace

std::string encodeMoveTaskHandle(const MoveTaskHandle& handle) {
  std::string text = encodeBase64Url(
      fmt::format(R"({{"taskId":"{}","sourceArn":"{}"}})", toString(handle.task_id), handle.source_arn));
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<MoveTaskHandle> decodeMoveTaskHandle(std::string_view text) {
  std::string digits(text.substr(0, text.find_last_not_of('=') + 1));
  std::ranges::replace(digits, '+', '-');
  std::ranges::replace(digits, '/', '_');
  const auto json = decodeBase64Url(digits);
  const auto document = json ? parseJsonObject(*json) : std::nullopt;
  if (!document) return std::nullopt;
  const auto task_id = document->FindMember("taskId");
  const auto source_arn = document->FindMember("sourceArn");
  for (const auto& member : {task_id, source_arn}) {
    if (member == document->MemberEnd() || !member->value.IsString()) return std::nullopt;
  }
  const auto id = parseUuid(textOf(task_id->value));
  if (!id) return std::nullopt;
  return MoveTaskHandle{*id, std::string(textOf(source_arn->value))};
}

}  // namespace howdah::service
