#include "commands/serve.h"

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "api/admin_routes.h"
#include "api/dispatcher.h"
#include "api/http_server.h"
#include "commands/access_control.h"
#include "commands/declared_queues.h"
#include "commands/migrate.h"
#include "commands/periodic.h"
#include "commands/systemd_notify.h"
#include "commands/welcome.h"
#include "metrics/log.h"
#include "persistence/postgres/database.h"
#include "persistence/postgres/embedded.h"
#include "persistence/store_error.h"
#include "service/maintenance.h"
#include "service/message_mover.h"
#include "service/snapshot_duty.h"
#include "service/sqs_service.h"

namespace howdah {
namespace {

using metrics::logInfo;
using persistence::postgres::EmbeddedPostgres;
using persistence::postgres::PostgresDatabase;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Request = ShutdownSignals::Request;

// Kept of drain-timeout for what follows the last reply: the workers' end, and PostgreSQL's own shutdown.
constexpr milliseconds kReserve{6000};
constexpr milliseconds kAdminStop{500};
// One row, unless there is a new one. A server that gets no requests learns by it that its database is lost.
constexpr milliseconds kReadSnapshot{1000};

class Server {
 public:
  Server(const ServerConfig& config, const metrics::BuildInfo& build, ShutdownSignals& signals)
      : config_(config), signals_(signals), recorder_(build, {config.api.account, config.metrics_queues_max}) {
    listener_ = config.http_engine == ServerConfig::HttpEngine::Cpprest
                    ? api::makeCpprestServer(config.listener)
                    : api::makeBeastServer(config.listener, recorder_);
    admin_ = api::makeBeastServer(config.admin_listener, recorder_);
    admin_hooks_.version_json = build.json();
    if (config.auth == "sigv4") {
      access_ = std::make_unique<AccessControl>(config.credentials, recorder_);
      signals.onHangup([this] { access_->reload(); });
    }
  }
  ~Server() { signals_.onHangup(nullptr); }

  // Whether it was told to stop meanwhile.
  bool start() {
    // The ports come first, so that a taken one is told before a database is made.
    listener_->bind();
    startAdmin();

    persistence::postgres::PostgresOptions options = config_.postgres;
    if (config_.embedded) {
      embedded_.emplace(config_.embedded_postgres);
      const ShutdownSignals::Interruption interruption(signals_, [this] {
        // Before there is a postmaster there is nothing to stop well: an initdb ends with us and is begun anew.
        if (embedded_->pid() == 0) {
          logInfo("stopped while preparing the database");
          _exit(0);
        }
        embedded_->stop();
      });
      try {
        options.connection_string = embedded_->start();
      } catch (const std::exception&) {
        if (signals_.requested() != Request::None) return false;
        throw;
      }
    }
    database_.emplace(std::move(options), recorder_);
    prepareSchema(*database_, config_);
    database_for_admin_ = &*database_;

    service_.emplace(database_->queues(), database_->messages(), database_->fifo(), database_->moveTasks(),
                     database_->notifications(), recorder_, config_.service);
    service_->start();
    createDeclaredQueues(*service_, config_.queues, config_.api.account);
    mover_.emplace(
        database_->moveTasks(), clock_, recorder_,
        [this](persistence::QueueId queue_id, std::size_t messages) { service_->messagesArrived(queue_id, messages); });
    persistence::MaintenanceStore& duties = database_->maintenance();
    const bool counts_bytes = config_.service.stored_bytes > 0 || config_.service.stored_bytes_per_queue > 0;
    maintenance_.emplace(
        duties, recorder_,
        std::vector{service::sweepDuty(duties, recorder_), service::retentionDuty(duties, recorder_),
                    service::windowsDuty(duties),
                    counts_bytes ? service::storedBytesDuty(duties) : service::unwantedCountDuty(duties),
                    mover_->duty(), service::snapshotDuty(database_->snapshots(), config_.metrics_snapshot_interval)});
    maintenance_->start();
    snapshot_reader_.emplace("snapshot", kReadSnapshot, [this, known = std::int64_t{0}]() mutable {
      try {
        auto snapshot = database_->snapshots().read(known);
        if (!snapshot) return;
        known = snapshot->number;
        recorder_.snapshotRead(std::move(snapshot));
      } catch (const persistence::StoreUnavailable&) {  // the pool has told that already
      }
    });
    if (access_) access_->followClock([this] { return database_->time(); });
    listener_->start(
        api::makeApiHandler(*service_, recorder_, config_.api, access_ ? access_->authenticator() : nullptr));
    is_started_ = true;
    return signals_.requested() == Request::None;
  }

  void announce(steady_clock::time_point since) {
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - since);
    for (const std::string& address : listener_->addresses()) logInfo("SQS is served", {{"address", address}});
    for (const std::string& address : admin_->addresses()) logInfo("administration is served", {{"address", address}});
    logInfo("ready", {{"start_ms", took.count()}});
    if (isatty(STDOUT_FILENO) == 0) return;
    fmt::print("{}", welcome(listener_->addresses().front(), admin_->addresses().front(),
                             !config_.listener.tls_cert_file.empty()));
    std::fflush(stdout);
  }

  // In reverse order; within drain-timeout, which ShutdownSignals watches over.
  void stop(Request request) {
    const auto deadline = steady_clock::now() + config_.drain_timeout;
    is_draining_ = true;
    recorder_.draining(true);
    if (request == Request::Terminate && is_started_) {
      listener_->endKeepAlive();
      std::this_thread::sleep_for(config_.drain_delay);
    }

    listener_->drain();
    if (service_) service_->drain();
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()) - kReserve;
    listener_->stop(std::max(left, milliseconds(1000)));
    if (access_) access_->stopFollowing();
    snapshot_reader_.reset();
    if (maintenance_) maintenance_->stop();
    if (service_) service_->stop();
    admin_->stop(kAdminStop);
    database_for_admin_ = nullptr;
    maintenance_.reset();
    mover_.reset();
    service_.reset();
    database_.reset();
    if (embedded_) embedded_->stop();
  }

 private:
  void startAdmin() {
    admin_hooks_.readiness = [this]() -> std::vector<api::ReadinessCheck> {
      const bool started = is_started_, draining = is_draining_, up = recorder_.isDatabaseUp();
      return {{"started", started, started ? "" : "the database is being prepared", true},
              {"not draining", !draining, draining ? "the server was told to stop" : "", true},
              {"database", up, up ? "" : "PostgreSQL does not answer; requests get ServiceUnavailable",
               config_.ready_needs_database}};
    };
    admin_hooks_.metrics = [this] { return recorder_.render(); };
    admin_hooks_.queue_metrics = [this](std::string_view pattern) { return recorder_.renderQueues(pattern); };
    if (config_.postgres.test_clock) {
      admin_hooks_.test_clock_offset = [this] { return startedDatabase().testClockOffset(); };
      admin_hooks_.set_test_clock_offset = [this](double seconds) { startedDatabase().setTestClockOffset(seconds); };
    }
    admin_->start(api::makeAdminHandler(std::move(admin_hooks_), config_.admin, config_.api));
  }

  PostgresDatabase& startedDatabase() const {
    PostgresDatabase* database = database_for_admin_;
    if (database == nullptr) throw std::runtime_error("the server is starting or stopping");
    return *database;
  }

  const ServerConfig& config_;
  ShutdownSignals& signals_;
  metrics::PrometheusRecorder recorder_;
  std::atomic<bool> is_started_ = false;
  std::atomic<bool> is_draining_ = false;

  // What is below is destroyed first: the servers, then what their handlers use.
  std::optional<EmbeddedPostgres> embedded_;
  std::optional<PostgresDatabase> database_;
  std::atomic<PostgresDatabase*> database_for_admin_ = nullptr;
  std::optional<service::SqsService> service_;
  service::SteadyClock clock_;
  std::optional<service::MessageMover> mover_;
  std::optional<service::Maintenance> maintenance_;
  std::optional<Periodic> snapshot_reader_;
  std::unique_ptr<AccessControl> access_;  // with --auth=sigv4
  api::AdminHooks admin_hooks_;
  std::unique_ptr<api::HttpServer> listener_;
  std::unique_ptr<api::HttpServer> admin_;
};

}  // namespace

int serve(const ServerConfig& config, const metrics::BuildInfo& build, ShutdownSignals& signals) {
  const auto since = steady_clock::now();
  const SystemdNotify systemd;
  // Few threads allocate, and none for long: the default of eight arenas a core only keeps freed memory.
  mallopt(M_ARENA_MAX, 2);
  signals.start(config.drain_timeout);
  logInfo("starting", {{"version", build.version}, {"revision", build.revision}});

  Server server(config, build, signals);
  if (server.start()) {
    server.announce(since);
    systemd.ready();
  }
  const Request request = signals.wait();
  systemd.stopping();
  logInfo("stopping", {{"signal", request == Request::Terminate ? "SIGTERM" : "SIGINT"}});
  server.stop(request);
  logInfo("stopped");
  return 0;
}

}  // namespace howdah
