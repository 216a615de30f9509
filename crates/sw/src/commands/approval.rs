//! `sw approve` and `sw approval wait`: a person decides whether images become a release.
//!
//! Question and answer are artifacts in the registry, beside the releases of the stream: the same on a cluster and on this machine. Who
//! can write there can approve.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use base::{Digest, Exit};
use jiff::Timestamp;
use oci::client::Client;
use oci::{Reference, Store, media};
use release::approval::{Answer, EMPTY, Question, answer_tag, asked_by, is_id, question_tag};
use stream::contract::RELEASE_REPOSITORY;
use stream::source::folder::Folder;

use super::stream::{lineage, root};
use super::{Ended, registry_client};
use crate::cli::{ApprovalCommand, ApprovalWaitArgs, ApproveArgs};
use crate::failure::Failure;
use crate::output::printable::printable;
use crate::output::terminal::ASK;
use crate::settings::Home;

/// How often the registry is asked whether there is an answer.
const PAUSE: Duration = Duration::from_secs(2);
/// Images of a question that are named.
const FEW: usize = 12;

/// Carries out `sw approval …`.
pub fn run(command: &ApprovalCommand) -> Result<Ended, Failure> {
    match command {
        ApprovalCommand::Wait(args) => wait(args),
    }
}

/// Where questions and answers are: a registry, or the store of this machine, which a build serves while it runs.
enum Place {
    Registry(Box<Client>, Reference),
    Store(Store, Reference),
}

impl Place {
    fn registry(repository: &str, insecure: bool) -> Result<Self, Failure> {
        let at: Reference = format!("{repository}/{RELEASE_REPOSITORY}")
            .parse()
            .map_err(|e| Failure::invalid(format!("`{repository}` is not a repository: {e}")))?;
        let client = registry_client(insecure.then(|| at.registry().to_owned()))?;
        Ok(Self::Registry(Box::new(client), at))
    }

    fn tags(&self) -> Result<Vec<String>, Failure> {
        match self {
            Self::Registry(client, at) => Ok(client.tags(at)?),
            Self::Store(store, at) if store.has_repository(at.repository())? => {
                Ok(store.tags(at.repository())?)
            }
            Self::Store(..) => Ok(Vec::new()),
        }
    }

    /// Type and bytes of the manifest under a tag.
    fn read(&self, tag: &str) -> Result<Option<(String, Vec<u8>)>, Failure> {
        let found = match self {
            Self::Registry(client, at) => {
                let Some(there) = client.head(&at.at_tag(tag)?)? else { return Ok(None) };
                Some(client.manifest(&at.at_digest(there.digest))?)
                    .map(|found| (found.media_type, found.bytes))
            }
            Self::Store(store, at) => {
                store.manifest(at.repository(), tag)?.map(|found| (found.media_type, found.bytes))
            }
        };
        Ok(found)
    }

    fn write(&self, tag: &str, manifest: &[u8]) -> Result<(), Failure> {
        let put = |store: &Store, at: &Reference, tag: Option<&str>| -> Result<Digest, Failure> {
            store.put(EMPTY)?;
            Ok(store.put_manifest(at.repository(), media::OCI_MANIFEST, manifest, tag)?)
        };
        match self {
            Self::Registry(client, at) => {
                let scratch = tempfile::tempdir()?;
                let store = Store::open(scratch.path().join("store"))?;
                let digest = put(&store, at, None)?;
                Ok(client.push(&store, digest, &at.at_tag(tag)?, &())?)
            }
            Self::Store(store, at) => put(store, at, Some(tag)).map(drop),
        }
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, Failure> {
        let Some((media_type, bytes)) = self.read(&answer_tag(&question.id()))? else { return Ok(None) };
        let answer = Answer::parse(&media_type, &bytes).map_err(anyhow::Error::from)?;
        // A tag is only the beginning of what an answer is about.
        Ok((answer.subject == question.subject()).then_some(answer))
    }

    fn question(&self, id: &str) -> Result<Option<Question>, Failure> {
        let Some((media_type, bytes)) = self.read(&question_tag(id))? else { return Ok(None) };
        Ok(Some(Question::parse(&media_type, &bytes).map_err(anyhow::Error::from)?))
    }

    /// The questions that nobody answered yet.
    fn open(&self) -> Result<Vec<Question>, Failure> {
        let mut open = Vec::new();
        let tags = self.tags()?;
        for id in tags.iter().filter_map(|tag| asked_by(tag)) {
            if let Some(question) = self.question(id)?
                && self.answer(&question)?.is_none()
            {
                open.push(question);
            }
        }
        Ok(open)
    }
}

/// `sw approval wait`.
fn wait(args: &ApprovalWaitArgs) -> Result<Ended, Failure> {
    let place = Place::registry(&args.repository, args.insecure.insecure)?;
    let question = Question::new(&args.stream, &args.images, Timestamp::now());
    let begin = Instant::now();
    let mut asked = false;
    let answer = loop {
        if let Some(answer) = place.answer(&question)? {
            break answer;
        }
        if !asked {
            place.write(&question_tag(&question.id()), &question.manifest())?;
            ask(args, &question);
            asked = true;
        }
        if begin.elapsed() >= args.timeout {
            let message = "nobody approved or rejected in time; run it again to wait anew, or approve first";
            return Err(Failure::new(Exit::Failed, anyhow::Error::msg(message)));
        }
        std::thread::sleep(PAUSE.min(args.timeout.saturating_sub(begin.elapsed())));
    };
    let text = printable(&answer.to_text());
    if let Some(file) = &args.answer_file {
        fs::write(file, &text)?;
    }
    if answer.approved {
        anstream::println!("{text}");
        return Ok(Exit::Success.into());
    }
    anstream::eprintln!("{text}");
    Ok(Exit::Failed.into())
}

/// Says what to type. On this machine those lines reach the terminal of the build.
fn ask(args: &ApprovalWaitArgs, question: &Question) {
    let insecure = if args.insecure.insecure { " --insecure" } else { "" };
    let command = format!("sw approve {} {}{insecure}", args.repository, question.id());
    let (count, stream) = (question.images.len(), &question.stream);
    anstream::println!(
        "{ASK}may these {count} images become a release of {stream}? Waiting. In another terminal:"
    );
    anstream::println!("{ASK}  {command} --why TEXT");
    anstream::println!("{ASK}  {command} --reject --why TEXT");
    for image in &question.images {
        anstream::println!("{image}");
    }
}

/// `sw approve`.
pub fn approve(home: &Home, args: &ApproveArgs) -> Result<Ended, Failure> {
    let place = place(home, args)?;
    let question = match &args.id {
        Some(id) if !is_id(id) => {
            return Err(Failure::invalid(format!("`{id}` is not the id of a question")));
        }
        Some(id) => place.question(id)?.ok_or_else(|| {
            Failure::invalid(format!(
                "nobody asked {id} in {}; the task that waits says what to type",
                args.place
            ))
        })?,
        None => only(place.open()?, &args.place)?,
    };
    let answer = Answer::new(&question, !args.reject, &args.by, &args.why, Timestamp::now());
    place.write(&answer_tag(&question.id()), &answer.manifest())?;
    anstream::println!(
        "{}: {} images of {}:",
        question.id(),
        question.images.len(),
        printable(&question.stream)
    );
    for image in question.images.iter().take(FEW) {
        anstream::println!("  {}", printable(image));
    }
    if question.images.len() > FEW {
        anstream::println!("  and {} more", question.images.len() - FEW);
    }
    anstream::println!("{}", printable(&answer.to_text()));
    Ok(Exit::Success.into())
}

/// A folder means the stream in it: what this machine builds of it, else what its repository has.
fn place(home: &Home, args: &ApproveArgs) -> Result<Place, Failure> {
    if !Path::new(&args.place).exists() {
        return Place::registry(&args.place, args.insecure.insecure);
    }
    let folder = Folder::new(root(Path::new(&args.place))?);
    let repository = lineage::read(home, &folder, lineage::Asking::default())?.definition.stream.repository;
    let at: Reference = format!("{repository}/{RELEASE_REPOSITORY}").parse()?;
    let here = Place::Store(Store::open(home.store())?, at);
    if here.tags()?.iter().any(|tag| asked_by(tag).is_some()) {
        return Ok(here);
    }
    Place::registry(&repository, args.insecure.insecure)
}

fn only(mut open: Vec<Question>, place: &str) -> Result<Question, Failure> {
    match (open.pop(), open.as_slice()) {
        (Some(question), []) => Ok(question),
        (None, _) => Err(Failure::invalid(format!("nothing waits for an approval in {place}"))),
        (Some(last), others) => {
            let one = |q: &Question| {
                format!("  {}  {} images, asked {}", q.id(), q.images.len(), printable(&q.asked))
            };
            let all: Vec<String> = others.iter().chain([&last]).map(one).collect();
            Err(Failure::invalid(format!("several questions wait; say which:\n{}", all.join("\n"))))
        }
    }
}
