#include "api/auth/credential_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <type_traits>

#include "tests/support/scratch_file.h"

namespace howdah::api {
namespace {

constexpr const char* kOne = R"(# ours
- access-key-id: AKONE
  secret-access-key: hush-hush-hush-hush
  account: "111111111111"   # of the shop
)";
constexpr const char* kTwo = R"(
- access-key-id: AKTWO
  secret-access-key: hush-hush-hush-hush
  account: "222222222222"
)";

template <class Stream, class T>
concept Printable = requires(Stream& stream, const T& value) {
  stream << value;
};

TEST(Secret, CannotBePrintedOrCopied) {
  static_assert(!Printable<std::ostream, Secret>);
  static_assert(!std::is_copy_constructible_v<Secret>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  Secret secret("text");
  const Secret moved(std::move(secret));
  EXPECT_EQ(moved.reveal(), "text");
}

TEST(Credentials, AreReadWithAllTheyCanHave) {
  const auto set = parseCredentials(R"(
- access-key-id: AKFULL
  secret-access-key: hush-hush-hush-hush
  account: "111111111111"
  user: alice
  session-token: tok
  expires: 2030-01-01T00:00:00Z
  disabled: true
  policy:
    Version: "2012-10-17"
    Statement:
      - {Effect: Allow, Action: ["sqs:SendMessage"], Resource: "*"}
- access-key-id: AKJSON
  secret-access-key: hush-hush-hush-hush
  account: "000000000000"
  policy: '{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}}'
)",
                                    "file");
  ASSERT_EQ(set.problems, std::vector<std::string>());
  const Credential* full = set.find("AKFULL");
  ASSERT_NE(full, nullptr);
  EXPECT_EQ(full->principal, "arn:aws:iam::111111111111:user/alice");
  EXPECT_EQ(full->secret_access_key.reveal(), "hush-hush-hush-hush");
  EXPECT_EQ(full->session_token->reveal(), "tok");
  EXPECT_TRUE(full->disabled);
  EXPECT_TRUE(full->policy);
  EXPECT_EQ(full->expires, parseAmzDate("20300101T000000Z"));
  ASSERT_NE(set.find("AKJSON"), nullptr);
  EXPECT_EQ(set.find("AKJSON")->principal, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(set.find("nobody"), nullptr);
}

TEST(Credentials, WhatIsWrongIsToldWithItsLineAndWithoutTheSecret) {
  const std::string start = "- access-key-id: AK\n  secret-access-key: hush-hush-hush-hush\n";
  for (const std::string& text :
       {std::string("hush-hush-hush-hush"), std::string("a: hush-hush-hush-hush"), std::string("- hush-hush-hush-hush"),
        std::string("- access-key-id: \"hush-hush-hush-hush"),
        std::string("- {access-key-id: hush-hush-hush-hush, : ]"), start, start + "  account: 11111111111\n",
        start + "  account: \"1\"\n", start + "  account: \"111111111111\"\n  hush-hush-hush-hush: 1\n",
        start + "  account: \"111111111111\"\n  disabled: hush-hush-hush-hush\n",
        start + "  account: \"111111111111\"\n  expires: soon\n",
        start + "  account: \"111111111111\"\n  user: \"a b\"\n",
        start + "  account: \"111111111111\"\n  account: \"111111111111\"\n",
        start + "  account: \"111111111111\"\n  policy: {Statement: []}\n",
        std::string("- access-key-id: AK\n  secret-access-key: short\n  account: \"111111111111\"\n"),
        std::string(kOne) + kOne}) {
    const auto set = parseCredentials(text, "keys.yaml");
    ASSERT_FALSE(set.problems.empty()) << text;
    EXPECT_TRUE(set.problems[0].starts_with("keys.yaml")) << set.problems[0];
    for (const std::string& problem : set.problems) EXPECT_EQ(problem.find("hush-hush"), std::string::npos) << problem;
  }
}

// What is left alone from one look to the next is read.
void lookTwice(CredentialStore& store) {
  store.reloadIfChanged([](bool) {});
  store.reloadIfChanged([](bool) {});
}

TEST(CredentialStore, SeesAChangedFileAndKeepsWhatAReaderHolds) {
  testing::ScratchFile file(kOne);
  CredentialStore store(file.path());
  const auto before = store.current();
  lookTwice(store);
  EXPECT_EQ(store.current(), before);
  file.write(std::string(kOne) + kTwo);
  lookTwice(store);
  EXPECT_NE(store.current()->find("AKTWO"), nullptr);
  EXPECT_EQ(before->find("AKTWO"), nullptr);
  EXPECT_EQ(before->find("AKONE")->secret_access_key.reveal(), "hush-hush-hush-hush");
}

TEST(CredentialStore, ABrokenFileLeavesTheKeysAsTheyWere) {
  testing::ScratchFile file(kOne);
  CredentialStore store(file.path());
  for (const char* broken : {"- nonsense", "[", "- access-key-id: AKNEW\n"}) {
    file.write(broken);
    lookTwice(store);
    EXPECT_NE(store.current()->find("AKONE"), nullptr) << broken;
  }
  std::remove(file.path().c_str());
  lookTwice(store);
  EXPECT_NE(store.current()->find("AKONE"), nullptr);
  file.write(kTwo);
  lookTwice(store);
  EXPECT_EQ(store.current()->find("AKONE"), nullptr);
  EXPECT_NE(store.current()->find("AKTWO"), nullptr);
}

// A file that is written in place is good YAML at the end of any line, and then has keys that are not restricted yet.
TEST(CredentialStore, AFileThatIsBeingWrittenIsNotRead) {
  testing::ScratchFile file(kOne);
  CredentialStore store(file.path());
  const std::string all =
      std::string(kOne) + kTwo + "  policy: {Statement: [{Effect: Deny, Action: \"*\", Resource: \"*\"}]}\n";
  for (const std::string& written : {std::string(kOne), std::string(kOne) + kTwo, all}) {
    file.write(written);
    store.reloadIfChanged([](bool) {});
    EXPECT_EQ(store.current()->find("AKTWO"), nullptr) << written;
  }
  store.reloadIfChanged([](bool) {});
  ASSERT_NE(store.current()->find("AKTWO"), nullptr);
  EXPECT_NE(store.current()->find("AKTWO")->policy, nullptr);
}

TEST(CredentialStore, ReadsAtOnceWhenItIsAskedTo) {
  testing::ScratchFile file(kOne);
  CredentialStore store(file.path());
  file.write(kTwo);
  int reloads = 0;
  store.reload([&](bool success) { reloads += success ? 1 : 0; });
  EXPECT_NE(store.current()->find("AKTWO"), nullptr);
  for (int i = 0; i < 3; ++i) store.reloadIfChanged([&](bool) { ++reloads; });
  EXPECT_EQ(reloads, 1) << "the same file is not read twice";
}

TEST(CredentialStore, RefusesToStartOnABrokenOrMissingFile) {
  testing::ScratchFile file("- nonsense");
  EXPECT_THROW(CredentialStore{file.path()}, std::runtime_error);
  EXPECT_THROW(CredentialStore{"/nowhere/at/all"}, std::runtime_error);
}

// As Kubernetes mounts a Secret: a link to a link to a directory that is replaced as a whole.
TEST(CredentialStore, ReadsAMountedSecret) {
  namespace fs = std::filesystem;
  testing::ScratchFile unique("");
  const fs::path directory = unique.path() + ".d";
  const auto fill = [&](const char* version, const char* text) {
    fs::create_directories(directory / version);
    std::ofstream(directory / version / "keys.yaml") << text;
    fs::create_symlink(version, directory / "..new");
    fs::rename(directory / "..new", directory / "..data");
  };
  fill("..1", kOne);
  fs::create_symlink("..data/keys.yaml", directory / "keys.yaml");
  CredentialStore store(directory);
  EXPECT_NE(store.current()->find("AKONE"), nullptr);
  fill("..2", kTwo);
  lookTwice(store);
  EXPECT_EQ(store.current()->find("AKONE"), nullptr);
  EXPECT_NE(store.current()->find("AKTWO"), nullptr);
  fs::remove_all(directory);
}

TEST(Credentials, AreDisabledInTheTextWithoutTouchingTheRest) {
  const std::string text = std::string(kOne) + kTwo;
  const std::string changed = withDisabled(text, "AKONE");
  EXPECT_TRUE(changed.starts_with("# ours\n- access-key-id: AKONE\n  disabled: true\n  secret")) << changed;
  EXPECT_TRUE(changed.ends_with(kTwo));
  EXPECT_FALSE(parseCredentials(changed, "").find("AKTWO")->disabled);
  EXPECT_EQ(withDisabled(text, "AKNONE"), "");
  EXPECT_EQ(
      withDisabled("- {access-key-id: AK, secret-access-key: hush-hush-hush-hush, account: \"111111111111\"}", "AK"),
      "");
  EXPECT_EQ(withDisabled(std::string(kOne) + "  disabled: false\n", "AKONE"), "");
}

}  // namespace
}  // namespace howdah::api
