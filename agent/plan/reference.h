#pragma once

#include <string>
#include <string_view>

namespace hivemind::agent {

// An image reference, taken apart as the engine wants it: [HOST[:PORT]/]PATH[:TAG][@DIGEST].
struct ImageReference {
  std::string name;    // with the registry's host and port
  std::string tag;     // "" when not given
  std::string digest;  // "sha256:…", "" when not given

  // HOST[:PORT] of the registry; "docker.io" for Docker Hub, whatever it is called.
  std::string registry() const;

  // Throws kInvalid for what cannot be a reference. Says nothing about whether the image exists.
  static ImageReference parse(std::string_view text);

  // As engines list it: with a tag or a digest, and without what Docker Hub's names leave unsaid.
  std::string listed() const;

  // What images are looked up by. A digest makes the tag moot.
  std::string lookup() const;
  // The parameter 'tag' of a pull: the digest, or the tag, or "latest" (without it the engine would fetch all
  // tags).
  std::string pull_tag() const;
};

}  // namespace hivemind::agent
