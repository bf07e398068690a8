#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agent/apply/reconciler.h"
#include "hivemind/v1/manifest.pb.h"
#include "tests/support/fake_engine.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// An agent's reconciler over a fake engine. One that is started after another has what was on the disk of
// that one.
class ReconciledNode {
 public:
  ReconciledNode() : engine(loop.get_executor()) {}
  virtual ~ReconciledNode() { reconciler_.reset(); }

  void start();
  // The engine has all of their images.
  void want(const std::vector<v1::Release>& releases, const std::vector<v1::File>& files = {});
  void want_unpulled(const std::vector<v1::Release>& releases, const std::vector<v1::File>& files = {});
  bool settled() const;
  bool settle();
  agent::Reconciler& reconciler() { return *reconciler_; }
  const agent::Reconciler& reconciler() const { return *reconciler_; }
  const agent::Desired& wanted() const { return *wanted_; }

  boost::asio::io_context loop;
  TemporaryDirectory directory;
  FakeEngine engine;
  agent::Past past;                     // on the disk
  bool is_saved = true;                 // false: the disk takes nothing
  std::vector<std::string> happenings;  // "<kind> <stack>"

 protected:
  v1::Manifest next_manifest(const std::vector<v1::Release>& releases) const;
  void add_images(const std::vector<v1::Release>& releases);
  void give(const v1::Manifest& manifest);

 private:
  // What a test adds to options and callbacks.
  virtual void prepare(agent::Reconciler::Options&, agent::Reconciler::Callbacks&) {}
  // The past was written to the disk.
  virtual void on_saved() {}
  void save();

  std::shared_ptr<agent::Reconciler> reconciler_;
  std::shared_ptr<const agent::Desired> wanted_;
};

}  // namespace hivemind::tests
