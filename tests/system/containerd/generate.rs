//! From a request to a container that ran: what Generate answers is given unread to `Containers.Create`.

use crate::containerd::image::{Image, busybox};
use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use crate::containerd::task::{Ran, Task, run};
use crate::network_namespace::NetworkNamespace;
use crate::support::daemon::Daemon;
use specd::api::pb::specd::{
    GenerateRequest, GenerateResponse, ProcessOptions, SpecOptions, StringList, UserOptions,
};

const NAME: &str = "docker.io/library/busybox:generate";

/// What the fourteen default capabilities are as a mask.
const DEFAULT_BOUNDING: &str = "00000000a80425fb";

fn request(namespace: &str, id: &str, profile: &str, command: &[&str]) -> GenerateRequest {
    let values = command.iter().map(ToString::to_string).collect();
    let process = ProcessOptions { entrypoint: Some(StringList { values }), ..Default::default() };
    GenerateRequest {
        image: "busybox:generate".to_owned(),
        namespace: namespace.to_owned(),
        id: id.to_owned(),
        profile: profile.to_owned(),
        options: Some(SpecOptions { process: Some(process), ..Default::default() }.into()),
        ..Default::default()
    }
}

async fn run_answer(daemon: &Daemon, request: &GenerateRequest, answer: GenerateResponse) -> Ran {
    let image = answer.image.unwrap();
    let task = Task {
        namespace: &request.namespace,
        id: &request.id,
        image: &image.name,
        chain_id: &answer.container.unwrap().snapshot.unwrap().parent,
        spec: answer.spec.unwrap(),
        terminal: false,
    };
    run(daemon, &task).await
}

/// What a process says of itself.
const INTROSPECT: &str = "id; pwd; env; grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status; \
    ulimit -n; touch /probe 2>&1";

fn facts(image: &Image, answer: &GenerateResponse) {
    let facts = answer.image.as_ref().unwrap();
    assert_eq!(facts.name, NAME);
    assert_eq!(facts.digest, image.index.digest);
    assert_eq!(facts.manifest_digest, image.manifest.digest);
    assert_eq!(facts.config_digest, image.config.digest);
    let container = answer.container.as_ref().unwrap();
    assert_eq!(container.snapshot.as_ref().unwrap().parent, image.chain_id());
}

on_each_release! {
    async fn the_image_runs_as_its_user_in_containerds_profile(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "e2e", NAME).await;
        let served = Served::start(&daemon).await;

        let request = request("e2e", "as-containerd", "containerd-2.4", &["sh", "-c", INTROSPECT]);
        let answer = served.client().await.generate(request.clone()).await.unwrap().into_inner();
        facts(&image, &answer);
        let ran = run_answer(&daemon, &request, answer).await;
        let said = &ran.stdout;
        assert!(said.starts_with("uid=1000(app) gid=1000(app) groups=33(www-data),1000(app),2000(crew)\n/srv\n"), "{ran:?}");
        assert!(said.contains("GREETING=hello there\n"), "{said}");
        assert!(said.contains("PATH=/usr/bin:/bin\n"), "{said}");
        assert!(said.contains(&format!("CapBnd:\t{DEFAULT_BOUNDING}\n")), "{said}");
        assert!(said.contains("CapInh:\t0000000000000000\n"), "{said}");
        assert!(said.contains("CapAmb:\t0000000000000000\n"), "{said}");
        assert!(said.contains("NoNewPrivs:\t1\n1024\n"), "{said}");
        assert!(said.contains("/probe: Permission denied"), "{said}");
    }
}

on_each_release! {
    async fn the_image_runs_as_its_user_in_the_default_sandbox(daemon: Daemon) {
        busybox().import(&daemon, "e2e", NAME).await;
        let served = Served::start(&daemon).await;
        let id = format!("fn-{}", std::process::id()) + if daemon.is_release_2() { "-2" } else { "-1" };
        let _network = NetworkNamespace::make(&format!("e2e-{id}"));

        let request = request("e2e", &id, "", &["sh", "-c", INTROSPECT]);
        let answer = served.client().await.generate(request.clone()).await.unwrap().into_inner();
        assert_eq!(
            answer.warnings,
            [format!("the network namespace /var/run/netns/e2e-{id} must exist before the container starts")]
        );
        let ran = run_answer(&daemon, &request, answer).await;
        let said = &ran.stdout;
        assert!(said.starts_with("uid=1000(app) gid=1000(app) groups=33(www-data),1000(app),2000(crew)\n/srv\n"), "{ran:?}");
        assert!(said.contains(&format!("CapBnd:\t{DEFAULT_BOUNDING}\n")), "{said}");
        assert!(said.contains("/probe: Read-only file system"), "{said}");
    }
}

on_each_release! {
    async fn options_reach_the_process(daemon: Daemon) {
        busybox().import(&daemon, "e2e", NAME).await;
        let served = Served::start(&daemon).await;

        let mut request = request("e2e", "options", "containerd", &["sh", "-c", "id; pwd; hostname; env"]);
        let options = request.options.as_mut().unwrap();
        options.hostname = Some("here".to_owned());
        options.user = Some(UserOptions {
            user: Some("root:crew".to_owned()),
            additional_groups: vec!["www-data".to_owned(), "4321".to_owned()],
            umask: Some(0o77),
            ..UserOptions::default()
        });
        let process = options.process.as_mut().unwrap();
        process.cwd = Some("/tmp".to_owned());
        process.env = vec!["MARK=set".to_owned()];
        let answer = served.client().await.generate(request.clone()).await.unwrap().into_inner();
        let ran = run_answer(&daemon, &request, answer).await;
        assert!(ran.stdout.starts_with("uid=0(root) gid=2000(crew) groups="), "{ran:?}");
        for group in ["33(www-data)", "2000(crew)", "4321"] {
            assert!(ran.stdout.lines().next().unwrap().contains(group), "{group} {ran:?}");
        }
        assert!(ran.stdout.contains("\n/tmp\nhere\n") && ran.stdout.contains("MARK=set\n"), "{ran:?}");
    }
}

on_each_release! {
    async fn a_warm_call_sees_a_new_image_under_the_same_name(daemon: Daemon) {
        let first = busybox();
        first.import(&daemon, "e2e", NAME).await;
        let served = Served::start(&daemon).await;
        let mut client = served.client().await;
        let request = request("e2e", "fresh", "containerd", &["id"]);
        let before = client.generate(request.clone()).await.unwrap().into_inner();
        let again = client.generate(request.clone()).await.unwrap().into_inner();
        assert_eq!(before, again);

        let second = crate::containerd::image::busybox_with(&serde_json::json!({"User": "4242:77", "Cmd": ["id"]}));
        second.replace(&daemon, "e2e", NAME).await;
        let after = client.generate(request.clone()).await.unwrap().into_inner();
        assert_eq!(after.image.as_ref().unwrap().config_digest, second.config.digest);
        assert_ne!(before.spec, after.spec);
        let ran = run_answer(&daemon, &request, after).await;
        assert!(ran.stdout.starts_with("uid=4242 gid=77"), "{ran:?}");
    }
}

on_each_release! {
    async fn the_service_outlives_its_containerd(daemon: Daemon) {
        busybox().import(&daemon, "e2e", NAME).await;
        let served = Served::start(&daemon).await;
        let mut client = served.client().await;
        let request = request("e2e", "outlive", "containerd", &["id"]);
        client.generate(request.clone()).await.unwrap();
        served.wait_until_ready(true).await;

        daemon.stop();
        let status = client.generate(request.clone()).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
        let retry = tonic_types::StatusExt::get_details_retry_info(&status).unwrap();
        assert!(retry.retry_delay.is_some());
        served.wait_until_ready(false).await;

        daemon.start_again().await;
        served.wait_until_ready(true).await;
        client.generate(request).await.unwrap();
    }
}

on_each_release! {
    async fn the_profile_of_the_node_is_that_of_its_release(daemon: Daemon) {
        busybox().import(&daemon, "e2e", NAME).await;
        let served = Served::start(&daemon).await;
        let mut client = served.client().await;
        let release = daemon.client().await.version().version(()).await.unwrap().into_inner().version;
        let mut numbers = release.trim_start_matches('v').split('.');
        let profile =
            format!("containerd-{}.{}", numbers.next().unwrap(), numbers.next().unwrap());

        let of_node = request("e2e", "of-node", "node", &["id"]);
        let answer = client.generate(of_node.clone()).await.unwrap().into_inner();
        assert_eq!(answer.profile, profile, "{release}");
        let named = GenerateRequest { profile: profile.clone(), ..of_node.clone() };
        let named = client.generate(named).await.unwrap().into_inner();
        assert_eq!(answer.spec, named.spec);
        let ran = run_answer(&daemon, &of_node, answer).await;
        assert!(ran.stdout.starts_with("uid=1000(app)"), "{ran:?}");

        daemon.stop();
        daemon.start_again().await;
        served.wait_until_ready(true).await;
        let again = client.generate(of_node).await.unwrap().into_inner();
        assert_eq!(again.profile, profile);
    }
}
