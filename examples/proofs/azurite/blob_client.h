// SPDX-License-Identifier: Apache-2.0
// The blob REST API with a shared key, as much of it as the tests need. What Arrow and Velox link the Azure
// SDK for.
#pragma once

#include <httplib.h>

#include <ctime>
#include <map>
#include <string>
#include <utility>

#include <openssl/evp.h>
#include <openssl/hmac.h>

class BlobClient {
 public:
  // The account that every Azurite has; its key is public (learn.microsoft.com, "Use the Azurite emulator").
  static constexpr const char* kAccount = "devstoreaccount1";
  static constexpr const char* kKey =
      "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

  BlobClient(const std::string& host, int port, std::string key = kKey)
      : http_(host, port), key_(FromBase64(std::move(key))) {
    http_.set_read_timeout(60);  // the default of 5 s is short for eight of these on two processors
  }

  // Status 0: no answer.
  int CreateContainer(const std::string& name) {
    return Send("PUT", "/" + name, {{"restype", "container"}}).status;
  }
  int DeleteContainer(const std::string& name) {
    return Send("DELETE", "/" + name, {{"restype", "container"}}).status;
  }
  int Put(const std::string& path, const std::string& bytes) {
    return Send("PUT", path, {}, {{"x-ms-blob-type", "BlockBlob"}}, bytes).status;
  }
  int Delete(const std::string& path) { return Send("DELETE", path).status; }
  httplib::Response Get(const std::string& path) { return Send("GET", path); }
  httplib::Response GetRange(const std::string& path, const std::string& range) {
    return Send("GET", path, {}, {{"x-ms-range", range}});
  }
  // XML with the names of all blobs whose path begins so.
  std::string List(const std::string& container, const std::string& prefix) {
    return Send("GET", "/" + container, {{"comp", "list"}, {"prefix", prefix}, {"restype", "container"}})
        .body;
  }

 private:
  using Pairs = std::map<std::string, std::string>;  // in the order in which they are signed

  httplib::Response Send(const std::string& method, const std::string& path, const Pairs& query = {},
                         Pairs headers = {}, const std::string& body = "") {
    headers["x-ms-date"] = Now();
    headers["x-ms-version"] = "2021-12-02";
    const std::string type = body.empty() ? "" : "application/octet-stream";
    httplib::Request request;
    request.method = method;
    request.path = "/" + std::string(kAccount) + path;
    request.body = body;
    for (const auto& [name, value] : headers) request.headers.emplace(name, value);
    request.headers.emplace("Authorization",
                            std::string("SharedKey ") + kAccount + ":" +
                                Sign(method, request.path, query, headers, body.size(), type));
    if (!type.empty()) request.headers.emplace("Content-Type", type);
    char separator = '?';
    for (const auto& [name, value] : query)
      request.path += std::exchange(separator, '&') + name + "=" + value;
    auto result = http_.send(request);
    return result ? std::move(*result) : httplib::Response{};
  }

  // "Authorize with Shared Key" of the REST reference. The resource is the path below the account; the
  // emulator's paths have the account in them, so that it stands there twice.
  std::string Sign(const std::string& method, const std::string& path, const Pairs& query,
                   const Pairs& headers, std::size_t size, const std::string& type) const {
    std::string text =
        method + "\n\n\n" + (size == 0 ? "" : std::to_string(size)) + "\n\n" + type + "\n\n\n\n\n\n\n";
    for (const auto& [name, value] : headers) text.append(name).append(":").append(value).append("\n");
    text += "/" + std::string(kAccount) + path;
    for (const auto& [name, value] : query) text.append("\n").append(name).append(":").append(value);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &length);
    std::string base64(EVP_MAX_MD_SIZE * 2, '\0');
    base64.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), digest, static_cast<int>(length))));
    return base64;
  }

  static std::string FromBase64(const std::string& text) {
    std::string bytes(text.size(), '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    const auto padding = text.size() - 1 - text.find_last_not_of('=');
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
  }

  static std::string Now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
  }

  httplib::Client http_;
  std::string key_;
};
