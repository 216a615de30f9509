//! `sw render`: the Tekton YAML of a stream, as text or as a folder of files.

use std::fs;
use std::path::Path;

use base::Exit;
use stream::render::Rendered;
use stream::render::size::ANNOTATIONS_LIMIT;

use super::Ended;
use super::plan::{planned, rendered};
use super::stream::load;
use crate::cli::RenderArgs;
use crate::failure::Failure;
use crate::settings::Home;

/// What a cluster keeps; applied again and again.
const OBJECTS: &str = "objects";
/// What starts a run; created each time.
const RUN: &str = "run.yaml";

/// Carries out `sw render`.
pub fn run(home: &Home, args: &RenderArgs) -> Result<Ended, Failure> {
    // The text is the same whatever is there already.
    let planned = planned(home, load(home, &args.stream, false)?.turned(args.knobs)?, &[], true)?;
    let rendered = rendered(&planned)?;
    match &args.output_dir {
        Some(dir) => write(dir, &rendered)?,
        None => anstream::print!("{}", rendered.text()),
    }
    let findings = rendered.findings();
    if !findings.0.is_empty() {
        anstream::eprintln!("{}", findings.render(false).trim_end());
    }
    Ok(if findings.has_errors() { Exit::Invalid } else { Exit::Success }.into())
}

/// Writes a file for each object.
fn write(dir: &Path, rendered: &Rendered) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| Failure::invalid(format!("--output-dir {}: {e}", dir.display()));
    let there = fs::read_dir(dir).map(|mut entries| entries.next().is_some()).unwrap_or(false);
    if there {
        let message =
            "there is something in it already, which would be applied with the rest; name a new folder";
        return Err(Failure::invalid(format!("--output-dir {}: {message}", dir.display())));
    }
    let objects = dir.join(OBJECTS);
    fs::create_dir_all(&objects).map_err(cannot)?;
    for document in &rendered.documents {
        let file = match document.kind {
            "PipelineRun" => dir.join(RUN),
            // Names are those of Kubernetes objects: no slashes, no dots at the beginning.
            kind => objects.join(format!("{}-{}.yaml", kind.to_lowercase(), document.name)),
        };
        fs::write(&file, &document.text).map_err(cannot)?;
    }
    let objects = objects.display();
    let large = rendered.sizes.iter().any(|size| size.created > ANNOTATIONS_LIMIT);
    let server_side = if large { " --server-side" } else { "" };
    anstream::eprintln!("wrote {} objects; to run them on a cluster:", rendered.documents.len());
    anstream::eprintln!("  kubectl apply{server_side} -f {objects}");
    anstream::eprintln!("  kubectl create -f {}", dir.join(RUN).display());
    Ok(())
}
