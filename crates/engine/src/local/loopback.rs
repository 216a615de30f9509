//! Brings up the loopback interface in a container's own network. runc and crun do that by themselves, libcontainer does
//! not.

use std::fs::{File, read_link};
use std::io;

use rustix::fd::AsFd;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use rustix::process::Pid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Brings it up if the process has a network of its own.
///
/// # Errors
/// When the kernel refuses.
pub fn bring_up(process: Pid) -> io::Result<()> {
    let network = format!("/proc/{}/ns/net", process.as_raw_nonzero());
    if read_link(&network)? == read_link("/proc/self/ns/net")? {
        return Ok(());
    }
    let network = File::open(network)?;
    // A thread that entered a namespace takes it along to its end.
    let up = std::thread::spawn(move || {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
        set_up()
    });
    up.join().unwrap_or_else(|_| Err(io::Error::other("the thread for it failed")))
}

/// Asks the kernel to set the flag `UP` of interface 1, which is loopback in every network (rtnetlink(7)).
fn set_up() -> io::Result<()> {
    const LENGTH: u32 = 32;
    const NEW_LINK: u16 = 16;
    const REQUEST_WITH_ANSWER: u16 = 5;
    const LOOPBACK: i32 = 1;
    const UP: u32 = 1;
    let mut message = Vec::new();
    // nlmsghdr: length, type, flags, sequence, port.
    message.extend(LENGTH.to_ne_bytes());
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    message.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
    // ifinfomsg: family and type (any), index, flags, which flags to change.
    message.extend(0_u32.to_ne_bytes());
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend([UP, UP].map(u32::to_ne_bytes).concat());
    // No protocol is number 0, which is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 128];
    let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    // nlmsgerr begins after the header: the negative error, or 0.
    match answer.get(16..20).filter(|_| length >= 20).and_then(|b| <[u8; 4]>::try_from(b).ok()) {
        Some([0, 0, 0, 0]) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-i32::from_ne_bytes(error))),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
