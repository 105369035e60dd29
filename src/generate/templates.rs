//! Specs as templates: the specs of two containers with the same image, options and user differ in the id alone.
//!
//! A spec that is wanted again is made a template, and later ones are copies with other ids in them. Steps and rules look at
//! nothing of an id except its length and its separators, and the id stands only in places where no rule compares it with
//! anything; otherwise there is no template.
//!
//! Invariant: a copy has the bytes that the steps give. A template is made with an id of its own and compared with the spec that the
//! steps gave for another one.

use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::origin::UserOrigins;
use crate::domain::request::Request;
use crate::generate::stage::Stage;
use crate::generate::{GenerateError, Generator, span};
use crate::image::digest::Digest;
use crate::image::platform::Platform;
use crate::spec::{self, Attempt, Equipment, Finished, Inputs, Profile, Profiles};
use crate::users::user::ProcessUser;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use serde_json::Value;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};
use std::time::Instant;
use tracing::Instrument as _;

/// How many bytes all templates and their keys may take.
const BYTES: u64 = 4 << 20;

/// What an entry or a warning takes at most beside its long texts.
const OVERHEAD: usize = 512;

/// What a spec is made of, except the letters and digits of the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    profiles: LoadedProfiles,
    profile: String,
    namespace: Namespace,
    id: IdShape,
    config: Digest,
    platform: Platform,
    options: Vec<u8>,
    user: ProcessUser,
}

impl Key {
    /// The key of a spec, unless it is also made of what was found on the host, or of many options.
    pub(super) fn new(
        request: &Request,
        profiles: &Arc<Profiles>,
        profile: &Profile,
        config: &Digest,
        inputs: &Inputs<'_>,
    ) -> Option<Self> {
        if *inputs.equipment != Equipment::default() {
            return None;
        }
        Some(Self {
            profiles: LoadedProfiles::new(profiles),
            profile: profile.name.clone(),
            namespace: request.namespace.clone(),
            id: IdShape::of(&request.id),
            config: config.clone(),
            platform: inputs.platform.clone(),
            options: request.sent_options.clone()?,
            user: inputs.user?.clone(),
        })
    }

    fn bytes(&self) -> usize {
        OVERHEAD + self.options.len() + self.user.additional_gids.len() * size_of::<u32>()
    }
}

/// Profiles that were loaded at one time. No others are equal to them, even when these are gone.
#[derive(Debug, Clone)]
struct LoadedProfiles(Weak<Profiles>);

impl LoadedProfiles {
    fn new(profiles: &Arc<Profiles>) -> Self {
        Self(Arc::downgrade(profiles))
    }
}

impl PartialEq for LoadedProfiles {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Eq for LoadedProfiles {}

impl Hash for LoadedProfiles {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

/// The length of an id, and its separators.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct IdShape(String);

impl IdShape {
    fn of(id: &ContainerId) -> Self {
        Self(id.as_str().replace(|c: char| c.is_ascii_alphanumeric(), "a"))
    }

    /// An id of this shape that nobody else is likely to have.
    fn stand_in(&self) -> Option<ContainerId> {
        let mut letters = "qXzJ7kVw9Qx3ZjK".chars().cycle();
        let id = self.0.chars().filter_map(|c| if c == 'a' { letters.next() } else { Some(c) });
        ContainerId::parse(&id.collect::<String>()).ok()
    }
}

/// What is known of a key.
#[derive(Debug, Clone)]
enum Known {
    /// It was asked for once.
    Once,
    /// It has a template.
    Template(Arc<Template>),
    /// It has none.
    NoTemplate,
}

/// A spec with an id that stands for others.
#[derive(Debug)]
struct Template {
    finished: Finished,
    id: ContainerId,
    /// Where the id is in the JSON, and how much of it.
    places: Vec<(usize, usize)>,
}

impl Template {
    /// The template of a spec with this id, if the id is only where nothing looks at it.
    fn new(finished: Finished, id: &ContainerId) -> Option<Self> {
        let text = std::str::from_utf8(&finished.encoded.json).ok()?;
        if !is_only_a_name(serde_json::from_str(text).ok()?, id) {
            return None;
        }
        let places = text.match_indices(id.short()).map(|(at, short)| {
            let is_whole = text.get(at..).is_some_and(|rest| rest.starts_with(id.as_str()));
            (at, if is_whole { id.as_str().len() } else { short.len() })
        });
        Some(Self { places: places.collect(), id: id.clone(), finished })
    }

    fn bytes(&self) -> usize {
        let encoded = &self.finished.encoded;
        encoded.json.len()
            + encoded.warnings.iter().map(|text| OVERHEAD + text.len()).sum::<usize>()
    }

    /// The spec with another id of the same shape.
    fn copy(&self, id: &ContainerId) -> Option<Finished> {
        let mut copy = self.finished.clone();
        for (at, length) in &self.places {
            let place = copy.encoded.json.get_mut(*at..at + length)?;
            place.copy_from_slice(id.as_str().as_bytes().get(..*length)?);
        }
        for warning in &mut copy.encoded.warnings {
            if warning.contains(self.id.as_str()) {
                *warning = warning.replace(self.id.as_str(), id.as_str());
            }
        }
        Some(copy)
    }
}

/// Whether an id is only in the places of a spec that no rule compares with others: the hostname, also in the environment,
/// the path of the control group, and those of namespaces.
fn is_only_a_name(mut spec: Value, id: &ContainerId) -> bool {
    let mut forget = |pointer: &str| {
        if let Some(place) = spec.pointer_mut(pointer) {
            *place = Value::Null;
        }
    };
    forget("/hostname");
    forget("/linux/cgroupsPath");
    let list = |spec: &mut Value, pointer: &str, forget: fn(&mut Value)| {
        let list = spec.pointer_mut(pointer).and_then(Value::as_array_mut);
        list.into_iter().flatten().for_each(forget);
    };
    list(&mut spec, "/linux/namespaces", |namespace| namespace["path"] = Value::Null);
    list(&mut spec, "/process/env", |entry| {
        if entry.as_str().is_some_and(|entry| entry.starts_with("HOSTNAME=")) {
            *entry = Value::Null;
        }
    });
    !spec.to_string().contains(id.short())
}

/// The templates.
#[derive(Debug, Clone)]
pub(super) struct Templates(Cache<Key, Known>);

impl Default for Templates {
    fn default() -> Self {
        let weigh = |key: &Key, known: &Known| {
            let bytes = match known {
                Known::Template(template) => template.bytes(),
                Known::Once | Known::NoTemplate => 0,
            };
            u32::try_from(key.bytes() + bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(BYTES).weigher(weigh);
        Self(cache.eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl Templates {
    /// The copy for an id, if there is a template.
    pub(super) async fn copy(&self, key: &Key, id: &ContainerId) -> Option<Finished> {
        match self.0.get(key).await? {
            Known::Template(template) => template.copy(id),
            Known::Once | Known::NoTemplate => None,
        }
    }

    /// Notes that the steps gave a spec for an id. The second time, a template is made, for which they are taken again.
    pub(super) async fn learn(
        &self,
        key: Key,
        id: &ContainerId,
        finished: &Finished,
        steps: impl FnOnce(&ContainerId) -> Option<Finished>,
    ) {
        let known = match self.0.get(&key).await {
            None => Known::Once,
            Some(Known::Once) => {
                let template =
                    key.id.stand_in().and_then(|other| Template::new(steps(&other)?, &other));
                let template = template.filter(|it| it.copy(id).as_ref() == Some(finished));
                template.map_or(Known::NoTemplate, |template| Known::Template(Arc::new(template)))
            }
            Some(Known::Template(_) | Known::NoTemplate) => return,
        };
        self.0.insert(key, known).await;
    }
}

impl Generator {
    /// The spec out of everything that was fetched: a copy of its template, or what the steps give.
    pub(super) async fn assemble(
        &self,
        key: Option<Key>,
        profile: &Profile,
        namespace: &Namespace,
        inputs: &Inputs<'_>,
        user: impl Fn() -> UserOrigins,
    ) -> Result<Finished, GenerateError> {
        let started = Instant::now();
        if let Some(key) = &key
            && let Some(copy) = self.templates.copy(key, inputs.id).await
        {
            self.observer.took(Stage::Copy, started.elapsed());
            return Ok(copy);
        }
        let assembling = span(Stage::Assemble);
        let finished = match assembling.in_scope(|| spec::attempt(profile, namespace, inputs))? {
            Attempt::Finished(finished) => {
                let steps = |id: &_| {
                    let other = Inputs { id, ..*inputs };
                    match spec::attempt(profile, namespace, &other) {
                        Ok(Attempt::Finished(finished)) => Some(finished),
                        Ok(Attempt::Broken(_)) | Err(_) => None,
                    }
                };
                if let Some(key) = key {
                    self.templates.learn(key, inputs.id, &finished, steps).await;
                }
                finished
            }
            Attempt::Broken(broken) => {
                let judging = async { broken.judge(profile, namespace, inputs, user) };
                self.workers.run_in_turn(judging.instrument(assembling)).await?
            }
        };
        self.observer.took(Stage::Assemble, started.elapsed());
        Ok(finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Encoded, SpecFacts};
    use serde_json::json;

    fn id(text: &str) -> ContainerId {
        ContainerId::parse(text).unwrap()
    }

    fn finished(spec: &Value) -> Finished {
        let encoded = Encoded { json: spec.to_string().into_bytes(), warnings: Vec::new() };
        Finished { encoded, facts: SpecFacts::default() }
    }

    fn key(id: &ContainerId, options: &[u8]) -> Key {
        Key {
            profiles: LoadedProfiles(Weak::new()),
            profile: "p".to_owned(),
            namespace: Namespace::parse("ns").unwrap(),
            id: IdShape::of(id),
            config: Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap(),
            platform: Platform::default(),
            options: options.to_vec(),
            user: ProcessUser::bare_root(),
        }
    }

    /// What three calls get from the templates, where the steps give this spec for an id.
    async fn copies(spec: fn(&ContainerId) -> Value, ids: [&str; 3]) -> [Option<Finished>; 3] {
        let templates = Templates::default();
        let mut copies = [None, None, None];
        for (copy, text) in copies.iter_mut().zip(ids) {
            let (id, steps) = (id(text), |id: &ContainerId| finished(&spec(id)));
            let key = key(&id, b"");
            *copy = templates.copy(&key, &id).await;
            if copy.is_none() {
                templates.learn(key, &id, &steps(&id), |id| Some(steps(id))).await;
            }
        }
        copies
    }

    #[tokio::test]
    async fn the_third_container_gets_a_copy_with_its_own_id() {
        let spec = |id: &ContainerId| {
            json!({
                "hostname": id.short(),
                "process": {"env": ["A=b", format!("HOSTNAME={}", id.short())]},
                "linux": {
                    "cgroupsPath": format!("/ns/{id}"),
                    "namespaces": [{"type": "network", "path": format!("/run/netns/ns-{id}")}],
                },
            })
        };
        for ids in
            [["web-1", "web-2", "api-9"], ["0123456789abcd", "abcdefghijklmn", "ABCDEFGHIJKLMN"]]
        {
            let [first, second, third] = copies(spec, ids).await;
            assert_eq!((first, second), (None, None));
            assert_eq!(third, Some(finished(&spec(&id(ids[2])))), "{ids:?}");
        }
        // A text of the spec looks like the id that stands for others, which is short here.
        assert_eq!(
            copies(|id| json!({"hostname": id.as_str(), "q": "q"}), ["a", "b", "c"]).await[2],
            None
        );
    }

    #[tokio::test]
    async fn an_id_in_a_place_that_a_rule_may_look_at_has_no_template() {
        let specs: [fn(&ContainerId) -> Value; 5] = [
            |id| json!({"mounts": [{"source": format!("/run/{id}")}]}),
            |id| json!({"process": {"env": [format!("NAME={id}")]}}),
            |id| json!({"annotations": {id.as_str(): ""}}),
            |id| json!({"process": {"cwd": format!("/{}", id.short())}}),
            // It is not only the id that differs.
            |id| json!({"hostname": id.as_str(), "domainname": id.as_str().ends_with('2').to_string()}),
        ];
        for spec in specs {
            assert_eq!(copies(spec, ["web-1", "web-2", "api-9"]).await, [None, None, None]);
        }
    }

    #[test]
    fn what_a_spec_is_made_of_tells_keys_apart() {
        let web = key(&id("web-1"), b"");
        assert_eq!(web, key(&id("api-2"), b""));
        for other in ["web1", "web-10", "web.1", "we-b1"] {
            assert_ne!(web, key(&id(other), b""), "{other}");
        }
        assert_ne!(web, key(&id("web-1"), b"x"));
        let other = ProcessUser { uid: 1, ..ProcessUser::bare_root() };
        assert_ne!(web, Key { user: other, ..web.clone() });
        let load = || Arc::new(Profiles::built_in("function").unwrap());
        let (first, second) = (load(), load());
        let of = |profiles: &Arc<Profiles>| Key {
            profiles: LoadedProfiles::new(profiles),
            ..web.clone()
        };
        assert_eq!(of(&first), of(&first));
        assert_ne!(of(&first), of(&second));
    }
}
