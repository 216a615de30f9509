//! Runs containers on this machine, without a cluster and without a daemon.
//!
//! - [`confine`]: the private process in which all of this happens; [`rootless`]: when that is not root's,
//!   [`host_root`]: this machine's file system then
//! - [`images`]: which image a name means
//! - [`pod`]: folders and mounts of one attempt of a TaskRun
//! - [`volume`]: volumes as folders
//! - [`beneath`]: places in folders that steps write to, whatever links they left there
//! - [`credentials`]: what git, ssh and registry clients look for; [`hand_over`]: into a step's memory and HOME
//! - [`environment`], [`downward`], [`user`]: what a container is told and who it is
//! - [`network`]: /etc/hosts and /etc/resolv.conf; [`loopback`]: of a container without network
//! - [`devices`]: what of /dev a container gets; [`token`]: what stands for a service account's token
//! - [`compose`]: from step and image to a container
//! - [`bundle`]: one container as config.json
//! - [`runtime`]: which program runs it; [`builtin`]: when that is ourselves, [`no_cgroups`]: without root
//! - [`container`]: one running container; [`stop`]: a request to stop
//! - [`shell`]: a look into the container of a step that failed
//! - [`sidecar`], [`probe`]: containers beside the steps
//! - [`trial`]: whether a runtime works here; [`processor`]: whose programs do

pub mod beneath;
pub mod builtin;
pub mod bundle;
pub mod compose;
pub mod confine;
pub mod container;
pub mod credentials;
pub mod devices;
pub mod downward;
pub mod environment;
pub mod hand_over;
pub mod host_root;
pub mod images;
pub mod loopback;
pub mod network;
pub mod no_cgroups;
pub mod pod;
pub mod probe;
pub mod processor;
pub mod rootless;
pub mod runtime;
pub mod shell;
pub mod sidecar;
pub mod stop;
pub mod token;
pub mod trial;
pub mod user;
pub mod volume;
