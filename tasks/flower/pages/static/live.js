/* Keeps a page of Fallback as its stream says: the same HTML as the server wrote into it, with every value escaped.
   Only what differs is changed, so that focus, selection and scrolling stay. */
(function () {
    "use strict";

    var place = document.getElementById("fallback-live"),
        status = document.getElementById("fallback-status"),
        dot = document.getElementById("fallback-dot"),
        source = null,
        retry = null,
        RETRY_MS = 5000;

    function say(text, live) {
        if (status.textContent !== text) {
            status.textContent = text;
        }
        dot.classList.toggle("status-dot-live", live);
        dot.classList.toggle("status-dot-error", !live);
    }

    function alike(old, fresh) {
        return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");
    }

    function update(old, fresh) {
        if (old.nodeType !== Node.ELEMENT_NODE) {
            if (old.nodeValue !== fresh.nodeValue) {
                old.nodeValue = fresh.nodeValue;
            }
            return;
        }
        Array.from(old.attributes).forEach(function (each) {
            if (!fresh.hasAttribute(each.name) && each.name !== "open") {
                old.removeAttribute(each.name);
            }
        });
        Array.from(fresh.attributes).forEach(function (each) {
            if (old.getAttribute(each.name) !== each.value) {
                old.setAttribute(each.name, each.value);
            }
        });
        patch(old, fresh);
    }

    // Children with an id are found again by it, the others by their order.
    function patch(old, fresh) {
        var staying = new Set(Array.from(fresh.children, function (each) { return each.id; })),
            known = new Map(),
            here,
            gone;
        Array.from(old.children).forEach(function (each) {
            if (each.id && !staying.has(each.id)) {
                each.remove();
            } else if (each.id) {
                known.set(each.id, each);
            }
        });
        here = old.firstChild;
        Array.from(fresh.childNodes).forEach(function (each) {
            var found = each.id ? known.get(each.id) : here;
            if (!found || !alike(found, each)) {
                old.insertBefore(document.importNode(each, true), here);
                return;
            }
            if (found === here) {
                here = here.nextSibling;
            } else {
                old.insertBefore(found, here);
            }
            update(found, each);
        });
        while (here) {
            gone = here;
            here = here.nextSibling;
            gone.remove();
        }
    }

    function show(html) {
        var focused = document.activeElement;
        patch(place, new DOMParser().parseFromString(html, "text/html").body);
        if (focused && focused.isConnected && focused !== document.activeElement) {
            focused.focus({preventScroll: true});
        }
        say("Live", true);
    }

    function close() {
        clearTimeout(retry);
        if (source) {
            source.close();
            source = null;
        }
    }

    function open() {
        close();
        source = new EventSource(place.dataset.stream);
        source.addEventListener("view", function (event) {
            show(JSON.parse(event.data));
        });
        source.onerror = function () {
            say("Connection lost, trying again", false);
            if (source.readyState === EventSource.CLOSED) {
                retry = setTimeout(open, RETRY_MS);
            }
        };
    }

    // A browser has six connections to a server: pages that nobody sees must not hold them.
    document.addEventListener("visibilitychange", function () {
        if (document.hidden) {
            close();
        } else if (!source) {
            open();
        }
    });
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", function () {
        if (!source && !document.hidden) {
            open();
        }
    });
}());
