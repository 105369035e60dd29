//! The composition of the server: source, service, health, metrics and sockets.

use crate::api::pb::health;
use crate::api::pb::specd::{DESCRIPTORS, SERVICE};
use crate::api::{Service, status};
use crate::commands::Failure;
use crate::commands::profile_files::Reload;
use crate::commands::profiles::has_ended;
use crate::commands::serve::health_port::HealthPort;
use crate::commands::serve::listen::{Bound, bind_plain};
use crate::commands::serve::spec_server::SpecServer;
use crate::commands::serve::{ObserveArgs, ServeArgs, metrics};
use crate::server::activation::Activation;
use crate::server::call_limits::CallLimits;
use crate::server::cores::Cores;
use crate::server::direct::Direct;
use crate::server::health::{Health, Probe};
use crate::server::listen::{ListenAddress, Listener};
use crate::server::metrics::Kind;
use crate::server::metrics::http::expose;
use crate::server::notify;
use crate::server::reflection;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use crate::server::tls::Tls;
use crate::server::trace::Tracing;
use crate::server::web::Web;
use crate::spec::Profile;
use crate::store::ImageStore;
use crate::telemetry::{dropped_lines, traces};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic_types::pb::FILE_DESCRIPTOR_SET as DETAILS;

/// How often the files of certificates are checked. A change is noticed at the second check.
const TLS_RELOAD: Duration = Duration::from_secs(2);

/// The descriptors of the services, and of the details of errors.
const SERVED: &[&[u8]] = &[DESCRIPTORS, DETAILS, health::DESCRIPTORS];

/// A server that has bound its sockets and does not serve yet.
pub struct BoundServer {
    bound: Bound,
    metrics_listener: Option<Listener>,
    service: Direct<SpecServer>,
    health: Health,
    profiles: Reload,
    source: Arc<dyn ImageStore>,
    config: ServeConfig,
}

impl BoundServer {
    /// The same on these runtimes.
    #[must_use]
    pub fn on(mut self, cores: Cores) -> Self {
        self.config.cores = cores;
        self
    }

    /// Opens the source, and binds every address and the sockets that systemd passed.
    ///
    /// # Errors
    ///
    /// A [`Failure`]; sockets that were bound before it are released.
    pub async fn bind(args: ServeArgs, activation: Activation) -> Result<Self, Failure> {
        let ServeArgs {
            listen,
            tls,
            no_authority_filter,
            no_generate_process,
            no_reflection,
            no_http_json,
            source: source_args,
            snapshotter,
            default_profile,
            profiles,
            cache_bytes,
            limits,
            observe,
            log: _, // Set up by the caller: it is for the whole process.
        } = args;
        let log_calls = observe.call_log();
        let ObserveArgs { metrics_listen, otlp_endpoint, .. } = observe;
        let profiles = Reload::new(profiles, default_profile)?;
        warn_of_ended_support(&profiles);
        let metrics = metrics::new();
        let observer = Arc::new(metrics::Observer(Arc::clone(&metrics)));
        let health = Health::new(SERVICE);
        let silence = health.silence();
        let source = source_args.open(observer.clone(), &silence).map_err(Failure::run)?;
        let (images, catalog) = (Arc::clone(&source), profiles.catalog());
        let (generator, counts) = source_args.generator(
            images,
            snapshotter,
            catalog,
            cache_bytes,
            observer.clone(),
            &silence,
        )?;
        generator
            .knows_profile(None)
            .map_err(|wrong| Failure::usage(format_args!("--default-profile: {wrong}")))?;
        let workers = generator.workers.clone();
        let service = Service::new(generator.observed_by(observer), limits.call_timeout)
            .with_answers_of(limits.max_response_bytes)
            .with_process(!no_generate_process);
        let spec = SpecServer::new(service, limits.max_request_bytes, limits.max_response_bytes);
        let mut routes = Routes::new(health.server());
        if !no_reflection {
            routes = reflection::add(routes, SERVED);
        }

        let service = Direct::new(spec, routes);

        let web = (!no_http_json)
            .then(|| Web::new(SERVED, limits.max_request_bytes, status::undecodable));

        let bound = listen.bind(tls, activation).await?;
        let metrics_listener = match &metrics_listen {
            Some(address) => Some(bind_plain(address).await?),
            None => None,
        };

        metrics::add_caches(&metrics, &counts);
        let help = "Whether the image source answered the last time it was called";
        let ready = health.clone();
        let up = move || u64::from(ready.is_ready());
        metrics::add(&metrics, "specd_source_up", help, Kind::Gauge, up);
        let help = "Changed certificates that could not be loaded";
        let tls = bound.tls.clone();
        let failures = move || tls.as_ref().map_or(0, Tls::reload_failures);
        metrics::add(&metrics, "specd_tls_reload_failures", help, Kind::Counter, failures);
        let help = "Reloads of the profiles that failed";
        let reload = profiles.clone();
        let failures = move || reload.failures();
        metrics::add(&metrics, "specd_profiles_reload_failures", help, Kind::Counter, failures);
        let help = "Log lines that were dropped because the log was not read";
        metrics::add(&metrics, "specd_log_dropped", help, Kind::Counter, dropped_lines);

        let config = limits.serve_config();
        let config = ServeConfig {
            metrics,
            calls: CallLimits { workers, ..config.calls },
            mend_authority: !no_authority_filter,
            web,
            log_calls,
            tracing: otlp_endpoint
                .is_some()
                .then_some(Tracing { begin: traces::begin_call, end: traces::end_call }),
            ..config
        };
        Ok(Self { bound, metrics_listener, service, health, profiles, source, config })
    }

    /// The addresses of the sockets, with the ports that the system chose; the one for health only is last.
    pub fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.bound.listeners.iter().chain(&self.bound.health).map(Listener::address)
    }

    /// The address of the metrics, with the port that the system chose.
    pub fn metrics_address(&self) -> Option<&ListenAddress> {
        self.metrics_listener.as_ref().map(Listener::address)
    }

    /// The profiles in force.
    pub(super) fn profiles(&self) -> &Reload {
        &self.profiles
    }

    /// Serves until shutdown is requested, then drains.
    ///
    /// # Errors
    ///
    /// A [`ServeError`], which is always a defect.
    pub async fn run_until(self, shutdown: Shutdown) -> Result<(), ServeError> {
        let Bound { listeners, health: health_listener, tls } = self.bound;
        let mut background = JoinSet::new();
        let (health, source) = (self.health.clone(), self.source);
        background.spawn(async move { health.follow(source, Probe::default()).await });
        background.spawn(notify::keep_alive());
        if let Some(tls) = tls {
            background.spawn(async move { tls.follow(TLS_RELOAD).await });
        }
        let health_port =
            health_listener.map(|listener| HealthPort::start(listener, &self.health, &self.config));

        // Metrics are served to the end, so that they show how the server drains.
        let exposing = self
            .metrics_listener
            .map(|listener| tokio::spawn(expose(listener, Arc::clone(&self.config.metrics))));
        let mut serving =
            pin!(serve(listeners, self.service, self.health, self.config, shutdown.clone()));
        notify::ready();
        let served = tokio::select! {
            biased;
            () = shutdown.requested() => {
                notify::stopping();
                serving.await
            }
            served = &mut serving => served,
        };
        let probed = match health_port {
            Some(port) => port.stop().await,
            None => Ok(()),
        };
        if let Some(exposing) = exposing {
            exposing.abort();
            // The file of its socket is removed when the task has ended.
            let _ = exposing.await;
        }
        served.and(probed)
    }
}

/// Logs that the release which the default profile equals is out of support.
fn warn_of_ended_support(profiles: &Reload) {
    let profiles = profiles.catalog().now();
    if let Some(profile) = profiles.get(None).filter(|profile| has_ended(profile)) {
        let Profile { name, equals, supported_until, .. } = profile;
        tracing::warn!(
            "the default profile {name} equals {equals}, which is out of support since {supported_until}"
        );
    }
}
