//! Answers as templates: the answers to two requests that differ in the id alone differ in the id alone.
//!
//! An answer that is wanted again is made a template, and later ones are copies of its bytes with another id. Steps and
//! rules look at nothing of an id except its length and its separators, and the id stands only in places of the spec where no rule
//! compares it with anything; otherwise there is no template.
//!
//! Invariant: a copy is what the steps give. A template is made with an id of its own and compared with the answer that the
//! steps gave for another one. It is used only while what the answer depends on beside the request is the same.

use crate::api::codec::Received;
use crate::api::pb::specd as pb;
use crate::domain::encoding::Encoding;
use crate::domain::ids::ContainerId;
use crate::domain::request::Names;
use crate::generate::Basis;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use prost::Message as _;
use prost::bytes::{BufMut, Bytes};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes all templates and their keys may take.
const BYTES: u64 = 4 << 20;

/// What an entry takes at most beside its long texts.
const OVERHEAD: usize = 1024;

/// A request above this size, in bytes, has no template.
const MOST_BYTES: usize = 4 << 10;

/// A request, except the letters and digits of its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    request: Vec<u8>,
    encoding: Encoding,
}

impl Key {
    /// The key of a request, and its id. Absent if the request is large, or does not have exactly one id.
    pub(super) fn new(request: &Received, encoding: Encoding) -> Option<(Self, Bytes)> {
        if request.bytes().len() > MOST_BYTES {
            return None;
        }
        let id = request.id()?;
        let mut masked = request.bytes().to_vec();
        for byte in masked.get_mut(id.clone())?.iter_mut().filter(|it| it.is_ascii_alphanumeric()) {
            *byte = b'a';
        }
        Some((Self { request: masked, encoding }, request.bytes().slice(id)))
    }
}

/// An id with the same separators that nobody else is likely to have. No letter or digit is the same.
fn stand_in(id: &ContainerId) -> Option<ContainerId> {
    let mut letters = "qXzJ7kVw9Qx3ZjK".chars().cycle();
    let other = id.as_str().chars().map(|c| match c {
        '.' | '_' | '-' => Some(c),
        _ => letters.find(|letter| *letter != c),
    });
    ContainerId::parse(&other.collect::<Option<String>>()?).ok()
}

/// An answer with an id that stands for others.
#[derive(Debug)]
pub struct Template {
    encoded: Vec<u8>,
    /// Where the id is, and how much of it.
    places: Vec<(usize, usize)>,
    /// What the request names.
    pub(super) names: Names,
    /// What the answer depends on beside the request.
    pub(super) basis: Basis,
}

impl Template {
    /// The template of an answer for this id, if the id is only where nothing looks at it.
    fn new(
        answer: &pb::GenerateResponse,
        id: &ContainerId,
        names: Names,
        basis: Basis,
    ) -> Option<Self> {
        let spec = answer.spec.as_ref().map_or(answer.spec_json.as_bytes(), |spec| &spec.value);
        if !is_only_a_name(serde_json::from_slice(spec).ok()?, id) {
            return None;
        }
        let encoded = answer.encode_to_vec();
        let (whole, short) = (id.as_str().as_bytes(), id.short().as_bytes());
        let parts = encoded.windows(short.len()).enumerate().filter(|(_, part)| *part == short);
        let places = parts.map(|(at, _)| {
            let is_whole = encoded.get(at..).is_some_and(|rest| rest.starts_with(whole));
            (at, if is_whole { whole.len() } else { short.len() })
        });
        Some(Self { places: places.collect(), encoded, names, basis })
    }

    /// The length of an answer.
    pub(super) fn encoded_len(&self) -> usize {
        self.encoded.len()
    }

    /// Writes the answer for another id of the same shape.
    pub(super) fn write(&self, id: &[u8], buffer: &mut impl BufMut) -> Option<()> {
        let mut from = 0;
        for (at, length) in &self.places {
            buffer.put_slice(self.encoded.get(from..*at)?);
            buffer.put_slice(id.get(..*length)?);
            from = at + length;
        }
        buffer.put_slice(self.encoded.get(from..)?);
        Some(())
    }

    /// Whether the copy for an id is this answer.
    fn gives(&self, answer: &pb::GenerateResponse, id: &ContainerId) -> bool {
        let mut copy = Vec::new();
        self.write(id.as_str().as_bytes(), &mut copy).is_some()
            && pb::GenerateResponse::decode(&*copy).is_ok_and(|copy| copy == *answer)
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

/// How many copies make up for a template, which takes the steps once more and a comparison.
const COPIES: usize = 2;

/// How many templates are made without a copy of one, about as many as fit. Where more requests take turns, a template would be
/// gone before it is of use.
const AHEAD: usize = 1000;

/// The templates.
#[derive(Debug, Clone)]
pub(super) struct Templates {
    known: Cache<Key, Known>,
    /// For how many copies templates may be made ahead.
    budget: Arc<AtomicUsize>,
}

impl Default for Templates {
    fn default() -> Self {
        let weigh = |key: &Key, known: &Known| {
            let bytes = match known {
                Known::Template(template) => template.encoded.len(),
                Known::Once | Known::NoTemplate => 0,
            };
            u32::try_from(OVERHEAD + key.request.len() + bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(BYTES).weigher(weigh);
        Self {
            known: cache.eviction_policy(EvictionPolicy::lru()).build(),
            budget: Arc::new(AtomicUsize::new(AHEAD * COPIES)),
        }
    }
}

impl Templates {
    /// The template of a key.
    pub(super) async fn get(&self, key: &Key) -> Option<Arc<Template>> {
        let Known::Template(template) = self.known.get(key).await? else { return None };
        if self.budget.load(Ordering::Relaxed) < AHEAD * COPIES {
            self.budget.fetch_add(1, Ordering::Relaxed);
        }
        Some(template)
    }

    /// Notes that the steps gave an answer for an id. The second time, a template is made, for which they are taken again, unless
    /// templates were of little use lately.
    pub(super) async fn learn(
        &self,
        key: Key,
        id: &ContainerId,
        (answer, names, basis): (&pb::GenerateResponse, Names, Basis),
        steps: impl AsyncFnOnce(&ContainerId) -> Option<pb::GenerateResponse>,
    ) {
        let known = match self.known.get(&key).await {
            Some(Known::NoTemplate) => return,
            // Another call has made it meanwhile.
            Some(Known::Template(template)) if template.basis == basis => return,
            Some(Known::Once) => {
                let order = Ordering::Relaxed;
                let spend = |budget: usize| budget.checked_sub(COPIES);
                if self.budget.fetch_update(order, order, spend).is_err() {
                    return;
                }
                let template = async {
                    let other = stand_in(id)?;
                    Template::new(&steps(&other).await?, &other, names, basis)
                };
                let template = template.await.filter(|it| it.gives(answer, id));
                template.map_or(Known::NoTemplate, |template| Known::Template(Arc::new(template)))
            }
            // The basis of a template has changed.
            Some(Known::Template(_)) | None => Known::Once,
        };
        self.known.insert(key, known).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Namespace;
    use crate::image::reference::ImageName;
    use prost_types::Any;
    use serde_json::json;

    fn id(text: &str) -> ContainerId {
        ContainerId::parse(text).unwrap()
    }

    fn names() -> Names {
        let (image, namespace) = (ImageName::parse("app:1"), Namespace::parse("ns"));
        Names { image: image.unwrap(), namespace: namespace.unwrap(), profile: None }
    }

    fn request(id: &str, profile: &str) -> Received {
        let (id, profile) = (id.to_owned(), profile.to_owned());
        let message = pb::GenerateRequest { id, profile, ..pb::GenerateRequest::default() };
        Received::new(message.encode_to_vec().into())
    }

    fn key(id: &str, profile: &str) -> Key {
        Key::new(&request(id, profile), Encoding::Any).unwrap().0
    }

    fn answer(spec: &Value, warning: &str) -> pb::GenerateResponse {
        let value = spec.to_string().into_bytes();
        pb::GenerateResponse {
            spec: Some(Any { type_url: "type".to_owned(), value }),
            warnings: vec![warning.to_owned()],
            ..pb::GenerateResponse::default()
        }
    }

    /// What three calls get from the templates, where the steps give this answer for an id.
    async fn copies(
        steps: fn(&ContainerId) -> pb::GenerateResponse,
        ids: [&str; 3],
    ) -> [Option<pb::GenerateResponse>; 3] {
        let templates = Templates::default();
        let mut copies = [None, None, None];
        for (copy, text) in copies.iter_mut().zip(ids) {
            let (key, bytes) = Key::new(&request(text, "p"), Encoding::Any).unwrap();
            assert_eq!(bytes, text);
            let (id, names) = (id(text), names());
            match templates.get(&key).await {
                Some(template) => {
                    let mut encoded = Vec::new();
                    template.write(&bytes, &mut encoded).unwrap();
                    assert_eq!(encoded.len(), template.encoded_len());
                    *copy = Some(pb::GenerateResponse::decode(&*encoded).unwrap());
                }
                None => {
                    let again = async |id: &ContainerId| Some(steps(id));
                    let learned = (&steps(&id), names, Basis::example("p"));
                    templates.learn(key, &id, learned, again).await;
                }
            }
        }
        copies
    }

    #[tokio::test]
    async fn the_third_container_gets_a_copy_with_its_own_id() {
        let steps = |id: &ContainerId| {
            let spec = json!({
                "hostname": id.short(),
                "process": {"env": ["A=b", format!("HOSTNAME={}", id.short())]},
                "linux": {
                    "cgroupsPath": format!("/ns/{id}"),
                    "namespaces": [{"type": "network", "path": format!("/run/netns/ns-{id}")}],
                },
            });
            answer(&spec, &format!("something about {id}"))
        };
        for ids in
            [["web-1", "web-2", "api-9"], ["0123456789abcd", "abcdefghijklmn", "ABCDEFGHIJKLMN"]]
        {
            let [first, second, third] = copies(steps, ids).await;
            assert_eq!((first, second), (None, None));
            assert_eq!(third, Some(steps(&id(ids[2]))), "{ids:?}");
        }
    }

    #[tokio::test]
    async fn an_id_in_a_place_that_a_rule_may_look_at_has_no_template() {
        let steps: [fn(&ContainerId) -> pb::GenerateResponse; 7] = [
            |id| answer(&json!({"mounts": [{"source": format!("/run/{id}")}]}), ""),
            |id| answer(&json!({"process": {"env": [format!("NAME={id}")]}}), ""),
            |id| answer(&json!({"annotations": {id.as_str(): ""}}), ""),
            |id| answer(&json!({"process": {"cwd": format!("/{}", id.short())}}), ""),
            // It is not only the id that differs.
            |id| answer(&json!({"domainname": id.as_str().ends_with('2').to_string()}), ""),
            |id| answer(&json!({"hostname": id.as_str()}), &id.as_str().ends_with('2').to_string()),
            |id| pb::GenerateResponse { spec: None, ..answer(&json!({}), id.as_str()) },
        ];
        for steps in steps {
            assert_eq!(copies(steps, ["web-1", "web-2", "api-9"]).await, [None, None, None]);
        }
        // A text of the spec looks like the id that stands for others, which is short here, or a length does.
        let spec = |id: &ContainerId| answer(&json!({"hostname": id.as_str(), "q": "q"}), "");
        assert_eq!(copies(spec, ["a", "b", "c"]).await[2], None);
        let length = |id: &ContainerId| answer(&json!({"hostname": id.as_str()}), &"-".repeat(113));
        assert_eq!(copies(length, ["a", "b", "c"]).await[2], None);
    }

    #[tokio::test]
    async fn a_template_on_another_basis_is_made_anew() {
        let (templates, id) = (Templates::default(), id("web-1"));
        let steps = |id: &ContainerId| answer(&json!({"hostname": id.as_str()}), "");
        let mut known = Vec::new();
        for basis in ["p", "p", "p", "q", "q", "q"].map(Basis::example) {
            let key = key("web-1", "p");
            match templates.get(&key).await {
                Some(template) if template.basis == basis => known.push(true),
                _ => {
                    known.push(false);
                    let again = async |id: &ContainerId| Some(steps(id));
                    let learned = (&steps(&id), names(), basis);
                    templates.learn(key, &id, learned, again).await;
                }
            }
        }
        assert_eq!(known, [false, false, true, false, false, true]);
    }

    #[tokio::test]
    async fn a_template_stays_where_slower_calls_learn_the_same() {
        let (templates, id, key) = (Templates::default(), id("web-1"), key("web-1", "p"));
        let steps = |id: &ContainerId| answer(&json!({"hostname": id.as_str()}), "");
        for known in [false, true, true, true] {
            let again = async |id: &ContainerId| Some(steps(id));
            let learned = (&steps(&id), names(), Basis::example("p"));
            templates.learn(key.clone(), &id, learned, again).await;
            assert_eq!(templates.get(&key).await.is_some(), known);
        }
    }

    #[tokio::test]
    async fn templates_of_which_no_copy_is_wanted_are_no_longer_made() {
        let (templates, id) = (Templates::default(), id("web-1"));
        let steps = |id: &ContainerId| answer(&json!({"hostname": id.as_str()}), "");
        let learn = async |profile: usize| {
            let key = key("web-1", &profile.to_string());
            for _ in 0..2 {
                let again = async |id: &ContainerId| Some(steps(id));
                let learned = (&steps(&id), names(), Basis::example("p"));
                templates.learn(key.clone(), &id, learned, again).await;
            }
            templates.get(&key).await.is_some()
        };
        templates.budget.store(3 * COPIES, Ordering::Relaxed);
        // Each copy gives a part of the budget back: five templates for three.
        let mut made = Vec::new();
        for profile in 0..7 {
            made.push(learn(profile).await);
        }
        assert_eq!(made, [true, true, true, true, true, false, false]);
        for _ in 0..COPIES {
            assert!(templates.get(&key("web-1", "0")).await.is_some());
        }
        assert!(learn(7).await);
        // Copies that are wanted all the time give no more than there was at first.
        templates.budget.store(AHEAD * COPIES, Ordering::Relaxed);
        assert!(templates.get(&key("web-1", "0")).await.is_some());
        assert_eq!(templates.budget.load(Ordering::Relaxed), AHEAD * COPIES);
    }

    #[test]
    fn what_an_answer_is_made_of_tells_keys_apart() {
        let web = key("web-1", "p");
        assert_eq!(web, key("api-2", "p"));
        for other in ["web1", "web-10", "web.1", "we-b1"] {
            assert_ne!(web, key(other, "p"), "{other}");
        }
        assert_ne!(web, key("web-1", "q"));
        let json = Key::new(&request("web-1", "p"), Encoding::Json).unwrap().0;
        assert_ne!(web, json);
    }

    #[test]
    fn a_request_without_a_single_id_has_no_key() {
        let one = request("web-1", "p").bytes().to_vec();
        let keyed = |bytes: Vec<u8>| Key::new(&Received::new(bytes.into()), Encoding::Any);
        assert!(keyed(one.clone()).is_some());
        assert!(keyed(Vec::new()).is_none());
        assert!(keyed([one.clone(), one.clone()].concat()).is_none());
        assert!(keyed([one.clone(), vec![0xff]].concat()).is_none());
        assert!(keyed(vec![0x18, 0x01]).is_none());
        let large = pb::GenerateRequest { image: "x".repeat(MOST_BYTES), ..Default::default() };
        assert!(keyed([one, large.encode_to_vec()].concat()).is_none());
    }

    #[test]
    fn an_id_that_stands_for_others_has_their_shape_and_no_letter_of_theirs() {
        for text in ["web-1", "q", "qXzJ7kVw9Qx3ZjK-qXzJ7kVw9Qx3ZjK", "a.b_c-d"] {
            let other = stand_in(&id(text)).unwrap();
            assert_eq!(key(text, "p"), key(other.as_str(), "p"));
            let mut pairs = text.chars().zip(other.as_str().chars());
            assert!(pairs.all(|(a, b)| (a == b) != a.is_ascii_alphanumeric()), "{other}");
        }
    }
}
