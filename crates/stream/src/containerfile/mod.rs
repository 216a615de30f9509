//! Which images a Containerfile starts from.
//!
//! Only what decides the graph is read: `ARG` before the first `FROM`, `FROM`, `COPY --from=` and `RUN --mount=…,from=`.
//! Building is the task's business.
//!
//! - [`expand`]: `$NAME` and `${NAME:-word}` in a text
//! - [`rewrite`](mod@rewrite): other images to start from, and other texts
//! - [`words`]: a line split as `ARG` splits it

pub mod expand;
pub mod rewrite;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use base::{Diagnostic, Diagnostics, Source, Span};
use parse_dockerfile::{Dockerfile, Flag, FromInstruction, Instruction};

use self::expand::{Failure, expand};
pub use self::rewrite::rewrite;

/// What refers to an image from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// `FROM image`
    From,
    /// `COPY --from=image` or `ADD --from=image`
    Copy,
    /// `RUN --mount=from=image`
    Mount,
}

/// An image that is not a stage of the same file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalBase {
    /// The name as it is written, by which builders know it: `example/base:$TAG`.
    pub written: String,
    /// The name after `ARG` substitution.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// What refers to it.
    pub usage: Usage,
}

/// What a Containerfile says about its bases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containerfile {
    /// The text.
    pub source: Source,
    /// Every name of an image from outside once, at its first place, in the order of the file. `scratch` is not an image.
    pub bases: Vec<ExternalBase>,
    /// The image that the last stage stands on, through other stages or directly, as it is written; none for `scratch`.
    pub last: Option<String>,
    /// The names of all stages, as written.
    pub stages: Vec<String>,
    /// The names of all `ARG`s, of the file and of its stages.
    pub args: BTreeSet<String>,
    /// Whether it has a `RUN`, so that building runs programs of the platform.
    pub runs: bool,
}

/// Reads a Containerfile; `args` win over the defaults of `ARG`, `platform` (`linux/amd64`) gives `TARGETARCH` and its like.
///
/// # Errors
/// When the text is not a Containerfile, or a `FROM` uses a variable that has no value.
pub fn parse(
    source: &Source,
    args: &BTreeMap<String, String>,
    platform: &str,
) -> Result<Containerfile, Diagnostics> {
    // The parser counts from behind a byte order mark.
    let shift = if source.text().starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let file = parse_dockerfile::parse(source.text()).map_err(|e| syntax_error(source, shift, &e))?;
    let mut reader = Reader {
        source,
        shift,
        values: global_values(&file, args, platform),
        stages: Vec::new(),
        under: None,
        bases: Vec::new(),
        findings: Diagnostics::default(),
    };
    for stage in file.stages() {
        reader.from(stage.from);
        for instruction in stage.instructions {
            reader.instruction(instruction);
        }
        let name = stage.from.as_.as_ref().map(|(_, name)| name.value.to_lowercase());
        reader.stages.push(Stage { name, under: reader.under.clone() });
    }
    let containerfile = Containerfile {
        source: source.clone(),
        bases: reader.bases,
        last: reader.under,
        stages: reader.stages.into_iter().filter_map(|stage| stage.name).collect(),
        args: declared(&file),
        runs: file.instructions.iter().any(|instruction| matches!(instruction, Instruction::Run(_))),
    };
    reader.findings.into_result(containerfile)
}

/// The values that `FROM` lines see.
struct Values {
    known: BTreeMap<String, String>,
    /// Declared by an `ARG` without a default.
    declared: BTreeSet<String>,
}

/// A stage that was read.
struct Stage {
    name: Option<String>,
    /// The image from outside that it stands on, as it is written.
    under: Option<String>,
}

struct Reader<'a> {
    source: &'a Source,
    shift: usize,
    values: Values,
    /// Stages met so far.
    stages: Vec<Stage>,
    /// What the stage that is being read stands on.
    under: Option<String>,
    bases: Vec<ExternalBase>,
    findings: Diagnostics,
}

impl Reader<'_> {
    fn from(&mut self, from: &FromInstruction<'_>) {
        let span = self.span(&from.image.span);
        match expand(&from.image.value, &|name| self.values.known.get(name).map(String::as_str)) {
            Ok(name) if name.is_empty() => self.findings.push(
                Diagnostic::error("empty-from", "FROM names no image")
                    .at(self.source, span)
                    .help("write the image's name, or give the ARG a default"),
            ),
            Ok(name) => {
                let stage = self.stage(&name).map(|stage| stage.under.clone());
                let outside = || (name != "scratch").then(|| from.image.value.to_string());
                self.under = stage.unwrap_or_else(outside);
                self.external(&from.image.value, name, span, Usage::From);
            }
            Err(failure) => {
                let finding = self.unset(&failure).at(self.source, span);
                self.findings.push(finding);
            }
        }
    }

    fn instruction(&mut self, instruction: &Instruction<'_>) {
        match instruction {
            Instruction::Copy(copy) => self.flags(&copy.options),
            Instruction::Add(add) => self.flags(&add.options),
            Instruction::Run(run) => {
                for flag in run.options.iter().filter(|f| f.name.value == "mount") {
                    let Some(value) = &flag.value else { continue };
                    for image in value.value.split(',').filter_map(|part| part.strip_prefix("from=")) {
                        self.external(image, image.to_owned(), self.span(&value.span), Usage::Mount);
                    }
                }
            }
            _ => {}
        }
    }

    fn flags(&mut self, flags: &[Flag<'_>]) {
        for flag in flags.iter().filter(|f| f.name.value == "from") {
            let Some(value) = &flag.value else { continue };
            let name = value.value.clone().into_owned();
            self.external(&value.value, name, self.span(&value.span), Usage::Copy);
        }
    }

    /// The stage called `name`.
    fn stage(&self, name: &str) -> Option<&Stage> {
        let lower = name.to_lowercase();
        self.stages.iter().find(|stage| stage.name.as_deref() == Some(&lower))
    }

    /// Notes an image unless it is a stage of this file.
    fn external(&mut self, written: &str, name: String, span: Span, usage: Usage) {
        let is_stage = self.stage(&name).is_some()
            || usage != Usage::From && name.parse::<usize>().is_ok_and(|index| index < self.stages.len());
        if !is_stage && name != "scratch" && self.bases.iter().all(|base| base.written != written) {
            self.bases.push(ExternalBase { written: written.to_owned(), name, span, usage });
        }
    }

    fn unset(&self, failure: &Failure) -> Diagnostic {
        match failure {
            Failure::Unset(name) if self.values.declared.contains(name) => Diagnostic::error(
                "arg-without-value",
                format!("FROM uses ${name}, which has no default and no value"),
            )
            .help(format!("set it in the component's `args: {{{name}: …}}`, or write `ARG {name}=…`")),
            Failure::Unset(name) => Diagnostic::error(
                "undeclared-arg",
                format!("FROM uses ${name}, which no ARG before it declares"),
            )
            .help(format!("write `ARG {name}=…` above the first FROM")),
            Failure::Unsupported(text) => Diagnostic::error(
                "unsupported-expansion",
                format!("cannot read the substitution `{text}` in FROM"),
            )
            .help("use $NAME, ${NAME}, ${NAME:-default} or ${NAME:+value}"),
        }
    }

    fn span(&self, range: &std::ops::Range<usize>) -> Span {
        Span::new(range.start + self.shift, range.end + self.shift)
    }
}

/// Values of the `ARG`s before the first `FROM`, in order, so that a default may use an earlier one.
fn global_values(file: &Dockerfile<'_>, args: &BTreeMap<String, String>, platform: &str) -> Values {
    let mut values = Values { known: platform_args(platform), declared: BTreeSet::new() };
    for arg in file.global_args() {
        for word in words::split(&arg.arguments.value) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default)),
                None => (word.clone(), None),
            };
            let value = args.get(&name).cloned().or_else(|| {
                default.and_then(|d| expand(d, &|n| values.known.get(n).map(String::as_str)).ok())
            });
            values.declared.insert(name.clone());
            if let Some(value) = value {
                values.known.insert(name, value);
            }
        }
    }
    values
}

/// The arguments that are always there (Dockerfile reference, "Automatic platform ARGs in the global scope").
fn platform_args(platform: &str) -> BTreeMap<String, String> {
    let mut parts = platform.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let (os, arch, variant) = (part(), part(), part());
    ["TARGET", "BUILD"]
        .into_iter()
        .flat_map(|side| {
            [
                (format!("{side}PLATFORM"), platform.to_owned()),
                (format!("{side}OS"), os.clone()),
                (format!("{side}ARCH"), arch.clone()),
                (format!("{side}VARIANT"), variant.clone()),
            ]
        })
        .collect()
}

fn declared(file: &Dockerfile<'_>) -> BTreeSet<String> {
    file.instructions
        .iter()
        .filter_map(|i| if let Instruction::Arg(arg) = i { Some(&arg.arguments.value) } else { None })
        .flat_map(|text| words::split(text))
        .map(|word| word.split('=').next().unwrap_or_default().to_owned())
        .collect()
}

fn syntax_error(source: &Source, shift: usize, error: &parse_dockerfile::Error) -> Diagnostics {
    // `{:#}` leaves the position out: the diagnostic shows it.
    let finding = Diagnostic::error("containerfile-syntax", format!("{error:#}"))
        .help("see https://docs.docker.com/reference/dockerfile/ for what may stand here");
    let line_start: usize =
        source.text()[shift..].split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let start = shift + line_start + error.column().saturating_sub(1);
    let length = source.text().get(start..).and_then(|rest| rest.find(char::is_whitespace)).unwrap_or(1);
    finding.at(source, Span::new(start, start + length)).into()
}

#[cfg(test)]
mod tests;
