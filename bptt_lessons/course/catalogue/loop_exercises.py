"""Exercises on the training loop: a batch at a time (lesson 08), along a stream, and in bits (lesson 09)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import lstm, rnn
from bptt_lessons.course.catalogue.draws import Formula, Seeded, draw, draw_readout, draw_rnn, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients.tbptt import windows
from bptt_lessons.nested import add, map_arrays, zeros_like
from bptt_lessons.tasks import adding
from bptt_lessons.training import loop, readout
from bptt_lessons.training.loop import Model, Session, loss_and_gradient
from bptt_lessons.training.losses import softmax_cross_entropy, softmax_cross_entropy_gradient
from bptt_lessons.training.optim import adam, adam_start, sgd

FIT = Mistakes("fit")


@FIT.add
def fit_loss_after_the_update(session, batches, gradient, update, on_update):
    """Your losses are those of the updated model. gradient returns the loss before the update together with the
    gradient, at no cost: keep that one."""
    model, memory, state, losses = session
    for batch in batches:
        _, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, gradient(model, batch)[0])
    return Session(model, memory, state, losses)


@FIT.add
def fit_gradient_of_the_first_model(session, batches, gradient, update, on_update):
    """Every gradient is that of the model with which the session began: call gradient with the model as it is now."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(session.model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_update_of_the_first_model(session, batches, gradient, update, on_update):
    """Each update starts from the model with which the session began, so only the last one is left: hand update the
    model as it is now."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(session.model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_first_model_throughout(session, batches, gradient, update, on_update):
    """You write session.model in the loop, which stays the model with which the session began: call it model, and let
    each update replace it."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(session.model, batch)
        model, memory = update(session.model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_model_not_kept(session, batches, gradient, update, on_update):
    """The updated model is not kept, so each batch meets the one with which the session began:
    model, memory = update(...)."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        _, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_old_model_returned(session, batches, gradient, update, on_update):
    """You train a model and return the one with which the session began: build the new Session of the trained one."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(session.model, memory, state, losses)


@FIT.add
def fit_memory_not_handed_on(session, batches, gradient, update, on_update):
    """Every update gets the memory with which the session began, so the optimiser forgets what it has just learnt: hand
    it the memory that the last update returned."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, session.memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_memory_none(session, batches, gradient, update, on_update):
    """You call update with None for memory. The session brings the optimiser's memory along, and each update returns
    the next one."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, None)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_memory_dropped(session, batches, gradient, update, on_update):
    """You drop the memory that update returns, so the optimiser forgets at once what it has just learnt:
    model, memory = update(...), and the last one goes into the new Session."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, _ = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_old_memory_returned(session, batches, gradient, update, on_update):
    """You return the memory with which the session began. Whoever goes on needs the one that the last update
    returned."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, session.memory, state, losses)


@FIT.add
def fit_update_not_kept(session, batches, gradient, update, on_update):
    """You call update and do not keep what it returns, so the model stays as it was: nothing is changed in place here.
    Write model, memory = update(model, grads, memory)."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_memory_forgotten(session, batches, gradient, update, on_update):
    """Your Session comes back without a memory. Whoever goes on needs the one that the last update returned."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, None, state, losses)


@FIT.add
def fit_history_begun_anew(session, batches, gradient, update, on_update):
    """The losses that the session had already are lost: the new ones come after them."""
    model, memory, state, losses = session._replace(losses=())
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_history_not_grown(session, batches, gradient, update, on_update):
    """You return the losses that the session had, without the new ones: one for each batch comes after them."""
    model, memory = session[:2]
    for batch in batches:
        _, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
    return session._replace(model=model, memory=memory)


@FIT.add
def fit_losses_forgotten(session, batches, gradient, update, on_update):
    """Your Session comes back without any losses: those that it had, and then one for each batch."""
    model, memory, state, _ = session
    for batch in batches:
        _, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
    return Session(model, memory, state)


@FIT.add
def fit_only_the_last_loss(session, batches, gradient, update, on_update):
    """Only the loss of the last batch is kept: all of them make the curve that one looks at."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
    return Session(model, memory, state, (*losses, loss))


@FIT.add
def fit_mean_of_the_losses(session, batches, gradient, update, on_update):
    """You keep the mean of the new losses. Each update has a loss of its own in the history."""
    model, memory, state, losses = session
    new = []
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        new.append(loss)
    return Session(model, memory, state, (*losses, np.mean(new)))


@FIT.add
def fit_losses_in_front(session, batches, gradient, update, on_update):
    """You put each new loss in front of the old ones: the history goes from the oldest to the newest."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (loss, *losses)
    return Session(model, memory, state, losses)


@FIT.add
def fit_running_sum_of_losses(session, batches, gradient, update, on_update):
    """You add the losses up as you go, so the curve climbs: each entry of the history is one batch's own loss."""
    model, memory, state, losses = session
    total = 0.0
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        total += loss
        losses = (*losses, total)
    return Session(model, memory, state, losses)


@FIT.add
def fit_all_batches_in_one_update(session, batches, gradient, update, on_update):
    """You add up the gradients of all batches and make one update. Here each batch has its update, and the next one
    meets the better model."""
    model, memory, state, losses = session
    total = None
    for batch in batches:
        loss, grads = gradient(model, batch)
        total = grads if total is None else map_arrays(np.add, total, grads)
        losses = (*losses, loss)
    model, memory = update(model, total, memory)
    return Session(model, memory, state, losses)


@FIT.add
def fit_update_after_the_loop(session, batches, gradient, update, on_update):
    """Only the last update is left: every one starts from the session's first model, or the update stands behind the
    loop. It belongs into the loop, and it and gradient take the model as it is now, not session.model."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        losses = (*losses, loss)
    model, memory = update(model, grads, memory)
    return Session(model, memory, state, losses)


@FIT.add
def fit_returns_in_the_loop(session, batches, gradient, update, on_update):
    """Your return stands in the loop, so it ends after the first batch: move it out to the left."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        return Session(model, memory, state, (*losses, loss))
    return None


@FIT.add
def fit_last_batch_skipped(session, batches, gradient, update, on_update):
    """The last batch makes no update: go through all of them, for batch in batches."""
    model, memory, state, losses = session
    for batch in list(batches)[:-1]:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_first_batch_skipped(session, batches, gradient, update, on_update):
    """The first batch makes no update: go through all of them, for batch in batches."""
    model, memory, state, losses = session
    for batch in list(batches)[1:]:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_always_the_first_batch(session, batches, gradient, update, on_update):
    """Every update uses the first batch: take the one whose turn it is."""
    model, memory, state, losses = session
    first, *others = batches
    for _ in [first, *others]:
        loss, grads = gradient(model, first)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_batches_already_done_skipped(session, batches, gradient, update, on_update):
    """You skip as many batches as the session has losses. What has been trained on before is not in `batches`: every
    one of these makes an update."""
    model, memory, state, losses = session
    for batch in list(batches)[len(losses) :]:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_memory_and_model_exchanged(session, batches, gradient, update, on_update):
    """update returns the model first and then the memory: you take them the other way round."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        memory, model = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_memory_and_gradient_exchanged(session, batches, gradient, update, on_update):
    """You call update(model, memory, grads): the gradient comes second and the memory third."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, memory, grads)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_pair_for_the_model(session, batches, gradient, update, on_update):
    """update returns a pair, the model and the memory, and you take the pair for the model: model, memory =
    update(...)."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_loss_and_gradient_exchanged(session, batches, gradient, update, on_update):
    """gradient returns the loss first and then the gradient: you take them the other way round."""
    model, memory, state, losses = session
    for batch in batches:
        grads, loss = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_batch_unpacked(session, batches, gradient, update, on_update):
    """You take the batch apart: gradient(model, *batch). It is handed over whole, and gradient knows what to do with
    it."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, *batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_batches_indexed(session, batches, gradient, update, on_update):
    """You take the batches by their number. They may come from a generator, which has no length and no places, so that
    they need not all be there at once: for batch in batches."""
    model, memory, state, losses = session
    for i in range(len(batches)):
        loss, grads = gradient(model, batches[i])
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_state_forgotten(session, batches, gradient, update, on_update):
    """The session's state is lost. Batches carry no state from one to the next, but what the session brought along is
    still there when you are done."""
    model, memory, _, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, None, losses)


@FIT.add
def fit_model_returned(session, batches, gradient, update, on_update):
    """You return the model alone. Going on needs the optimiser's memory and the losses too: Session(model, memory,
    state, losses)."""
    model, memory = session[:2]
    for batch in batches:
        _, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
    return model


@FIT.add
def fit_fields_assigned(session, batches, gradient, update, on_update):
    """A field of a NamedTuple cannot be given a new value: work with names of your own, and build a new Session at the
    end."""
    for batch in batches:
        loss, grads = gradient(session.model, batch)
        session.model, session.memory = update(session.model, grads, session.memory)
        session.losses.append(loss)
    return session


@FIT.add
def fit_losses_appended_to_a_tuple(session, batches, gradient, update, on_update):
    """The session's losses are a tuple, which has no append: make a list of it first, or write (*losses, loss)."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses.append(loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_never_called(session, batches, gradient, update, on_update):
    """You never call on_update, so a progress bar would stand still: after each update, if it is not None, call
    on_update(updates, loss)."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_without_a_look(session, batches, gradient, update, on_update):
    """You call on_update although it may be None, which is nothing to call: ask first whether it is not None."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        on_update(len(losses), loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_counts_one_short(session, batches, gradient, update, on_update):
    """You tell on_update one update less than there are: count this one too, after its loss has come to the others."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        if on_update is not None:
            on_update(len(losses), loss)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_counts_this_training_only(session, batches, gradient, update, on_update):
    """You tell on_update how many batches there have been. The updates that the session had before count as well:
    the number of all losses."""
    model, memory, state, losses = session
    for i, batch in enumerate(batches):
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(i + 1, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_counts_this_training_from_0(session, batches, gradient, update, on_update):
    """You tell on_update the batch's place, counted from 0. It is the number of all updates so far, with this one and
    those that the session had before: the number of all losses."""
    model, memory, state, losses = session
    for i, batch in enumerate(batches):
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(i, loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_arguments_exchanged(session, batches, gradient, update, on_update):
    """on_update gets the number of updates first, and then the loss: you call it the other way round."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(loss, len(losses))
    return Session(model, memory, state, losses)


@FIT.add
def fit_on_update_at_the_end(session, batches, gradient, update, on_update):
    """You call on_update once, when all is done: after each update, inside the loop."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    if on_update is not None:
        on_update(len(losses), loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_loss_not_looked_at(session, batches, gradient, update, on_update):
    """Training goes on with a loss that is no longer finite, and every number after it is worthless: look at each loss
    as it comes, with check_finite(loss, updates), which raises the error."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_losses_looked_at_afterwards(session, batches, gradient, update, on_update):
    """You look whether the losses are finite only when all is done: a training that has diverged may then run on for
    hours. Look at each loss as it comes, inside the loop."""
    session = fit_loss_not_looked_at(session, batches, gradient, update, on_update)
    for i, loss in enumerate(session.losses):
        loop.check_finite(loss, i)
    return session


@FIT.add
def fit_only_nan_looked_for(session, batches, gradient, update, on_update):
    """You stop at NaN and not at infinity, which is no better: np.isfinite is False for both, and check_finite asks
    just that."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        if np.isnan(loss):
            raise ValueError("the loss is nan")
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_stops_quietly(session, batches, gradient, update, on_update):
    """At a loss that is no longer finite you stop without a word, and the session looks like any other: raise the
    error, with check_finite(loss, updates)."""
    model, memory, state, losses = session
    for batch in batches:
        loss, grads = gradient(model, batch)
        if not np.isfinite(loss):
            break
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
        if on_update is not None:
            on_update(len(losses), loss)
    return Session(model, memory, state, losses)


@FIT.add
def fit_all_batches_drawn_first(session, batches, gradient, update, on_update):
    """You draw all batches before the first update, as list(batches) does. A long training has no room for them all,
    and some sources are made to be drawn from one by one: for batch in batches."""
    return loop.fit(session, list(batches), gradient, update, on_update)


class Diary:
    """An optimiser whose memory is a diary: each update takes a fresh page, on which `on_update` adds what it is told.

    So the memory that comes back shows when `on_update` was called, and with what.
    """

    page: Array | None = None

    def update(self, w: Array, dw: Array, memory: Array) -> tuple[Array, Array]:
        """Take a step of gradient descent."""
        self.page = np.array(memory)
        return w - 0.25 * dw, self.page

    def on_update(self, updates: int, loss: float) -> None:
        """Write into the memory that the last update returned."""
        if self.page is not None:
            self.page += [updates, loss]


@dataclass(frozen=True)
class Stream:
    """Batches that can only be run through, as from a generator, though as often as one likes; shown as Python text."""

    text: str
    batches: tuple[Any, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)

    def __repr__(self) -> str:
        return self.text


class OneByOne:
    """Batches that are drawn one by one: each is ready when the update with the one before it has been made."""

    def __init__(self, *batches: Array) -> None:
        self.batches = batches
        self.updates = 0

    def __iter__(self) -> Iterator[Array]:
        self.updates = 0
        for number, batch in enumerate(self.batches):
            if self.updates < number:
                raise RuntimeError(f"batch {number + 1} was drawn before the update with batch {number}")
            yield batch.copy()  # who writes into one spoils no other run

    def update(self, w: Array, dw: Array, memory: Any) -> tuple[Array, Any]:
        """Take a step of gradient descent."""
        self.updates += 1
        return w - 0.25 * dw, memory

    def __repr__(self) -> str:
        return "a generator, whose next batch is ready after each update"


_SQUARES = Formula(
    "lambda w, batch: (np.mean((w - batch) ** 2), 2 * (w - batch) / len(w))",
    lambda w, batch: (np.mean((w - batch) ** 2), 2 * (w - batch) / len(w)),
)
_MOMENTUM = Formula(
    "lambda w, dw, memory: (w - 0.25 * (dw + 0.5 * memory), dw + 0.5 * memory)",
    lambda w, dw, memory: (w - 0.25 * (dw + 0.5 * memory), dw + 0.5 * memory),
)
_RNN_GRADIENT = Formula(
    "lambda model, batch: loss_and_gradient(rnn, model, *batch)",
    lambda model, batch: loss_and_gradient(rnn, model, *batch),
)
_ADAM = Formula(
    "lambda model, grads, memory: adam(model, grads, memory, lr=0.01)",
    lambda model, grads, memory: adam(model, grads, memory, lr=0.01),
)


def _vector_case(seed: int, batches: int, size: int, losses: tuple[float, ...] = (), carried: bool = False) -> Case:
    rng = np.random.default_rng(seed)
    session = Session(draw(rng, size), draw(rng, size), draw(rng, 2) if carried else None, losses)
    arguments = {"session": session, "batches": [draw(rng, size) for _ in range(batches)]}
    label = f"{batches} batches, {len(losses)} updates before"
    return Case(label, {**arguments, "gradient": _SQUARES, "update": _MOMENTUM, "on_update": None})


def _diary_case(seed: int, batches: int, size: int, losses: tuple[float, ...]) -> Case:
    rng, diary = np.random.default_rng(seed), Diary()
    arguments = {
        "session": Session(draw(rng, size), np.zeros(2), None, losses),
        "batches": [draw(rng, size) for _ in range(batches)],
        "gradient": _SQUARES,
        "update": Formula("diary.update", diary.update),
        "on_update": Formula("diary.on_update", diary.on_update),
    }
    return Case(f"{batches} batches, {len(losses)} updates before, on_update adds what it gets to memory", arguments)


def _one_by_one_case(seed: int, batches: int, size: int) -> Case:
    rng = np.random.default_rng(seed)
    drawn = OneByOne(*(draw(rng, size) for _ in range(batches)))
    arguments = {"session": Session(draw(rng, size)), "batches": drawn, "gradient": _SQUARES}
    label = f"{batches} batches, drawn one by one"
    return Case(label, {**arguments, "update": Formula("batches.update", drawn.update), "on_update": None})


def _diverging_case(seed: int, size: int, batch: float, last: Any, why: str) -> Case:
    rng = np.random.default_rng(seed)
    arguments = {
        "session": Session(draw(rng, size), draw(rng, size), None, (1.5,)),
        "batches": [draw(rng, size), np.full(size, batch), last],
        "gradient": _SQUARES,
        "update": _MOMENTUM,
        "on_update": None,
    }
    return Case("3 batches, training diverges", arguments, refused=why)


def _net_case(seed: int, batches: int, T: int, N: int, H: int, losses: tuple[float, ...] = ()) -> Case:
    rng = np.random.default_rng(seed)
    model = Model(draw_rnn(rng, 2, H), draw_readout(rng, H, 1))
    drawn = tuple(adding.sequences(Seeded(seed + i), T, N) for i in range(batches))
    text = f"(adding.sequences(np.random.default_rng({seed} + i), {T}, {N}) for i in range({batches}))"
    arguments = {"session": Session(model, adam_start(model), None, losses), "batches": Stream(text, drawn)}
    label = f"{batches} batches of adding, {sizes(T=T, N=N, D=2, H=H)}"
    return Case(label, {**arguments, "gradient": _RNN_GRADIENT, "update": _ADAM, "on_update": None})


def fit_cases() -> tuple[Case, ...]:
    """A vector that follows its batches, fresh and gone on with; a net with Adam, and batches that can only be run
    through; one batch; an `on_update` whose calls show; a source that is drawn from one by one; and a loss that is not
    finite, once with a batch after it that can no longer be used."""
    return (
        _vector_case(840, batches=3, size=2),
        _vector_case(841, batches=4, size=3, losses=(2.5, 1.25), carried=True),
        _net_case(842, batches=3, T=5, N=3, H=4),
        _vector_case(843, batches=1, size=4, losses=(0.5,)),
        _diary_case(845, batches=3, size=3, losses=(4.0, 2.0)),
        _one_by_one_case(846, batches=3, size=2),
        _diverging_case(847, size=2, batch=1e200, last=np.zeros(2), why="the loss of the second batch is infinite"),
        _diverging_case(848, size=2, batch=np.nan, last=None, why="the loss of the second batch is not a number"),
    )


def fit_lesson_case() -> Case:
    """A few updates of the lesson's size."""
    return _net_case(844, batches=5, T=100, N=32, H=20)


TRUNCATED = Mistakes("truncated")


def say(cell, model, x, target, state):
    """Return loss, gradient, and the state after a window: what most of the mistakes have right."""
    h, state, tape = cell.forward(model.cell, x, state)
    y = readout.forward(model.readout, h)
    readout_grads, dh = readout.backward(model.readout, h, softmax_cross_entropy_gradient(y, target))
    cell_grads, _, _ = cell.backward(model.cell, tape, dh)
    return float(softmax_cross_entropy(y, target)), Model(cell_grads, readout_grads), state


def one_hot(model, symbols, K=None):
    """Return symbols as rows of zeros with a single 1, in the model's precision."""
    return np.eye(K or len(model.readout.b_y), dtype=model.readout.W_hy.dtype)[symbols]


@TRUNCATED.add
def truncated_state_reset(cell, session, symbols, k, update):
    """Every window starts from a zero state, as if the text began anew: the state after a window is the first of the
    next."""
    model, memory, _, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], None)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_every_window_from_the_first_state(cell, session, symbols, k, update):
    """Each of your windows starts from the session's state: only the first one does. The state after a window is the
    first of the next."""
    model, memory, _, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], session.state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_first_state_ignored(cell, session, symbols, k, update):
    """Your first window starts from zeros. The session brings the state in which the stream before this one ended."""
    model, memory, state, losses = session._replace(state=None)
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_last_state_not_returned(cell, session, symbols, k, update):
    """You return the state with which the session came. Whoever goes on along the stream needs the last one."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, session.state, losses)


@TRUNCATED.add
def truncated_no_state_returned(cell, session, symbols, k, update):
    """Your Session comes back without a state. Whoever goes on along the stream needs the last one."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, None, losses)


@TRUNCATED.add
def truncated_last_hidden_state_for_the_state(cell, session, symbols, k, update):
    """You carry h[-1]. For a cell like the LSTM that is only a part of its state: carry the second thing that
    cell.forward returns."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        x = one_hot(model, symbols[a:b])
        loss, grads, _ = say(cell, model, x, symbols[a + 1 : b + 1], state)
        state = cell.forward(model.cell, x, state)[0][-1]
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_state_of_the_updated_model(cell, session, symbols, k, update):
    """You run the window once more with the updated model to get the state. Take the one that forward returned with the
    loss: there is one pass over each window."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        x = one_hot(model, symbols[a:b])
        loss, grads, _ = say(cell, model, x, symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        state = cell.forward(model.cell, x, state)[1]
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_target_not_shifted(cell, session, symbols, k, update):
    """Your target at each step is the symbol that is being read, which is no prediction: it is the next one,
    symbols[start + 1 : stop + 1]."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a:b], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_target_shifted_the_wrong_way(cell, session, symbols, k, update):
    """You read the later symbol and ask for the earlier one: it is the other way round. Read symbols[start:stop], and
    ask for the next ones."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a + 1 : b + 1]), symbols[a:b], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_target_inside_the_window(cell, session, symbols, k, update):
    """You cut windows of all T + 1 symbols and shift inside each, so the step from one window into the next is never
    asked for. Cut the T steps: symbol `stop` is the last target."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols), k):
        if b - a > 1:
            loss, grads, state = say(cell, model, one_hot(model, symbols[a : b - 1]), symbols[a + 1 : b], state)
            model, memory = update(model, grads, memory)
            losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_target_inside_a_window_of_steps(cell, session, symbols, k, update):
    """In each window you leave out its last step, so the step into the next window is never asked for: the target of
    the last step is the symbol at `stop`."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        if b - a > 1:
            loss, grads, state = say(cell, model, one_hot(model, symbols[a : b - 1]), symbols[a + 1 : b], state)
            model, memory = update(model, grads, memory)
            losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_windows_of_all_symbols(cell, session, symbols, k, update):
    """You cut T + 1 steps. The last symbol is a target only, with nothing to say after it: there are
    len(symbols) - 1 steps."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols), k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_last_step_dropped(cell, session, symbols, k, update):
    """You cut one step too few: with T + 1 symbols there are T steps, len(symbols) - 1."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 2, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_tail_dropped(cell, session, symbols, k, update):
    """What is left over at the end, shorter than k, is lost: the last window is a shorter one."""
    model, memory, state, losses = session
    for a in range(0, (len(symbols) - 1) // k * k, k):
        x, target = one_hot(model, symbols[a : a + k]), symbols[a + 1 : a + k + 1]
        loss, grads, state = say(cell, model, x, target, state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_windows_overlap(cell, session, symbols, k, update):
    """Your windows slide on by one step and overlap, so each symbol is read up to k times. The next window starts where
    the last one stopped."""
    model, memory, state, losses = session
    for a in range(max(len(symbols) - k, 1)):
        b = min(a + k, len(symbols) - 1)
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_one_window(cell, session, symbols, k, update):
    """You go through the whole stream in one piece and make one update: cut it into windows of k steps, each with an
    update of its own."""
    model, memory, state, losses = session
    loss, grads, state = say(cell, model, one_hot(model, symbols[:-1]), symbols[1:], state)
    model, memory = update(model, grads, memory)
    return Session(model, memory, state, (*losses, loss))


@TRUNCATED.add
def truncated_one_update_per_step(cell, session, symbols, k, update):
    """You update after every step, so nothing is ever carried back. A window has k steps, and one update at its end."""
    model, memory, state, losses = session
    for a in range(len(symbols) - 1):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a : a + 1]), symbols[a + 1 : a + 2], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_update_after_the_loop(cell, session, symbols, k, update):
    """Only the last update is left: every one starts from the session's first model, or the update stands behind the
    loop. It belongs into the loop, and every window is run with the model as it is now, not session.model."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        losses = (*losses, loss)
    model, memory = update(model, grads, memory)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_gradients_added_up(cell, session, symbols, k, update):
    """You add up the gradients of all windows and make one update at the end. Each window makes its own, and the next
    one meets the better model."""
    model, memory, state, losses = session
    total = zeros_like(model)
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total, losses = add(total, grads), (*losses, loss)
    model, memory = update(model, total, memory)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_gradient_of_the_first_model(cell, session, symbols, k, update):
    """All your windows are run with the model with which the session began: use the updated one."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, session.model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_update_of_the_first_model(cell, session, symbols, k, update):
    """Each update starts from the model with which the session began: hand update the model as it is now."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(session.model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_first_model_throughout(cell, session, symbols, k, update):
    """You write session.model in the loop, which stays the model with which the session began: call it model, and let
    each update replace it."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, session.model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(session.model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_memory_not_handed_on(cell, session, symbols, k, update):
    """Every update gets the memory with which the session began: hand it the one that the last update returned."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, session.memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_memory_dropped(cell, session, symbols, k, update):
    """You drop the memory that update returns, so the optimiser forgets at once what it has just learnt:
    model, memory = update(...), and the last one goes into the new Session."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, _ = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_update_not_kept(cell, session, symbols, k, update):
    """You call update and do not keep what it returns, so every window meets the same model. It changes nothing in
    place: write model, memory = update(...)."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_old_memory_returned(cell, session, symbols, k, update):
    """You return the memory with which the session began. Whoever goes on needs the one that the last update
    returned."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, session.memory, state, losses)


@TRUNCATED.add
def truncated_memory_and_state_exchanged(cell, session, symbols, k, update):
    """Memory and state have changed places in what you return: Session(model, memory, state, losses). The memory is the
    optimiser's, the state the cell's."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, state, memory, losses)


@TRUNCATED.add
def truncated_readout_not_updated(cell, session, symbols, k, update):
    """Only the cell learns. The readout has a gradient too, from readout.backward: Model(cell_grads,
    readout_grads)."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, Model(grads.cell, zeros_like(grads.readout)), memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_cell_not_updated(cell, session, symbols, k, update):
    """Only the readout learns: the cell's own gradient comes from cell.backward, given the dh of readout.backward."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, Model(zeros_like(grads.cell), grads.readout), memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_parts_of_the_gradient_exchanged(cell, session, symbols, k, update):
    """The two gradients have changed places: it is Model(cell_grads, readout_grads), as the model is Model(cell,
    readout)."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, Model(grads.readout, grads.cell), memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_gradient_as_a_plain_tuple(cell, session, symbols, k, update):
    """You hand update a plain tuple. The gradient is built as the model is: Model(cell_grads, readout_grads)."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, (grads.cell, grads.readout), memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_three_results_for_the_gradient(cell, session, symbols, k, update):
    """cell.backward returns three things, and you take all three for the gradient: cell_grads, dx, dstate_0 =
    cell.backward(...), and only the first goes into Model."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        h, state, tape = cell.forward(model.cell, one_hot(model, symbols[a:b]), state)
        y = readout.forward(model.readout, h)
        dy = softmax_cross_entropy_gradient(y, symbols[a + 1 : b + 1])
        readout_grads, dh = readout.backward(model.readout, h, dy)
        cell_grads = cell.backward(model.cell, tape, dh)
        model, memory = update(model, Model(cell_grads, readout_grads), memory)
        losses = (*losses, softmax_cross_entropy(y, symbols[a + 1 : b + 1]))
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_gradient_weighed_by_steps(cell, session, symbols, k, update):
    """You multiply each window's gradient by its number of steps. The loss is a mean over the window, and so is its
    gradient."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, map_arrays(lambda g, n=b - a: g * n, grads), memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_losses_averaged(cell, session, symbols, k, update):
    """You keep the mean of the windows' losses. Each update has a loss of its own in the history."""
    model, memory, state, losses = session
    new = []
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        new.append(loss)
    return Session(model, memory, state, (*losses, np.mean(new)))


@TRUNCATED.add
def truncated_losses_summed_over_steps(cell, session, symbols, k, update):
    """Your losses are sums over the steps of a window: keep the mean, as softmax_cross_entropy returns it."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss * (b - a))
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_losses_in_bits(cell, session, symbols, k, update):
    """Your losses are in bits. The loss that is trained on is in nats, as softmax_cross_entropy returns it; bits are
    for comparing."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss / np.log(2))
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_losses_after_the_update(cell, session, symbols, k, update):
    """Your losses are those of the updated model on the window that it has just learnt from: keep the loss before the
    update."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        x, target, first = one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state
        _, grads, state = say(cell, model, x, target, first)
        model, memory = update(model, grads, memory)
        losses = (*losses, say(cell, model, x, target, first)[0])
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_history_begun_anew(cell, session, symbols, k, update):
    """The losses that the session had already are lost: the new ones come after them."""
    model, memory, state, losses = session._replace(losses=())
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_losses_forgotten(cell, session, symbols, k, update):
    """Your Session comes back without any losses: those that it had, and then one for each window."""
    model, memory, state, _ = session
    for a, b in windows(len(symbols) - 1, k):
        _, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
    return Session(model, memory, state)


@TRUNCATED.add
def truncated_only_the_last_loss(cell, session, symbols, k, update):
    """Only the last window's loss is kept: all of them make the curve that one looks at."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
    return Session(model, memory, state, (*losses, loss))


@TRUNCATED.add
def truncated_model_returned(cell, session, symbols, k, update):
    """You return the model alone. Going on needs the optimiser's memory, the cell's state and the losses too: a
    Session."""
    model, memory, state, _ = session
    for a, b in windows(len(symbols) - 1, k):
        _, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
    return model


@TRUNCATED.add
def truncated_symbols_without_one_hot(cell, session, symbols, k, update):
    """You hand the symbols to the cell as they are. It reads K numbers at each step, of which one is 1:
    np.eye(K)[symbols[start:stop]]."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, symbols[a:b], symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_one_hot_in_float64(cell, session, symbols, k, update):
    """Your one-hot rows are float64 beside float32 parameters: np.eye(K, dtype=model.readout.W_hy.dtype)."""
    model, memory, state, losses = session
    rows = np.eye(len(model.readout.b_y))
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, rows[symbols[a:b]], symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_number_of_symbols_from_the_stream(cell, session, symbols, k, update):
    """You take K from the symbols, and the last one of the alphabet need not occur among them. K is the readout's:
    len(model.readout.b_y)."""
    model, memory, state, losses = session
    K = symbols.max() + 1
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b], K), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_number_of_symbols_from_the_window(cell, session, symbols, k, update):
    """You take K from the symbols of each window, in which the last one of the alphabet need not occur. K is the
    readout's, the same for all windows: len(model.readout.b_y)."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(
            cell, model, one_hot(model, symbols[a:b], symbols[a:b].max() + 1), symbols[a + 1 : b + 1], state
        )
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_windows_from_the_beginning(cell, session, symbols, k, update):
    """All your windows begin at step 0, so earlier steps are learnt again and again, and the gradient goes back through
    all of them. A window is symbols[start:stop], and starts from the state after the one before."""
    model, memory, state, losses = session
    for _, b in windows(len(symbols) - 1, k):
        loss, grads, last = say(cell, model, one_hot(model, symbols[:b]), symbols[1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, last, losses)


@TRUNCATED.add
def truncated_loss_not_looked_at(cell, session, symbols, k, update):
    """Training goes on with a loss that is no longer finite, and every number after it is worthless: look at each loss
    as it comes, with check_finite(loss, updates), which raises the error."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_losses_looked_at_afterwards(cell, session, symbols, k, update):
    """You look whether the losses are finite only when the stream is at its end: look at each loss as it comes, inside
    the loop, for a training that has diverged is to stop at once."""
    session = truncated_loss_not_looked_at(cell, session, symbols, k, update)
    for i, loss in enumerate(session.losses):
        loop.check_finite(loss, i)
    return session


@TRUNCATED.add
def truncated_only_nan_looked_for(cell, session, symbols, k, update):
    """You stop at NaN and not at infinity, which is no better: np.isfinite is False for both, and check_finite asks
    just that."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        if np.isnan(loss):
            raise ValueError("the loss is nan")
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


@TRUNCATED.add
def truncated_stops_quietly(cell, session, symbols, k, update):
    """At a loss that is no longer finite you stop without a word, and the session looks like any other: raise the
    error, with check_finite(loss, updates)."""
    model, memory, state, losses = session
    for a, b in windows(len(symbols) - 1, k):
        loss, grads, state = say(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        if not np.isfinite(loss):
            break
        model, memory = update(model, grads, memory)
        losses = (*losses, loss)
    return Session(model, memory, state, losses)


BITS = Mistakes("bits")


def nats(cell, model, x, target, state):
    """Return the mean cross-entropy of a window, and the state after it."""
    h, state, _ = cell.forward(model.cell, x, state)
    return float(softmax_cross_entropy(readout.forward(model.readout, h), target)), state


@BITS.add
def bits_in_nats(cell, model, symbols, k):
    """Your result is in nats: divide by np.log(2), for one bit is ln 2 of them."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1)


@BITS.add
def bits_multiplied_by_ln_2(cell, model, symbols, k):
    """You multiply by ln 2, which turns bits into nats: divide."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) * np.log(2)


@BITS.add
def bits_divided_by_2(cell, model, symbols, k):
    """You divide the nats by 2. A bit is ln 2 nats, about 0.69: divide by np.log(2)."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / 2


@BITS.add
def bits_log_2_of_the_loss(cell, model, symbols, k):
    """You take log2 of the loss. The loss is a logarithm already, to the base e: dividing by np.log(2) changes the
    base."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return np.log2(total / (len(symbols) - 1))


@BITS.add
def bits_perplexity(cell, model, symbols, k):
    """You return the perplexity, 2 to the number of bits: the number of bits itself is wanted."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return np.exp(total / (len(symbols) - 1))


@BITS.add
def bits_mean_over_windows(cell, model, symbols, k):
    """You average the windows' means. The last window may be shorter, and its few steps then weigh too much: weigh each
    window by its steps."""
    losses, state = [], None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        losses.append(loss)
    return np.mean(losses) / np.log(2)


@BITS.add
def bits_mean_over_windows_in_nats(cell, model, symbols, k):
    """Two things: you average the windows' means, in which the few steps of a shorter last window weigh too much, so
    weigh each by its steps; and the result is in nats, so divide by np.log(2)."""
    losses, state = [], None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        losses.append(loss)
    return np.mean(losses)


@BITS.add
def bits_sum_of_window_means(cell, model, symbols, k):
    """You add up the windows' means: the mean over all steps is wanted, so that k changes nothing."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss
    return total / np.log(2)


@BITS.add
def bits_sum_for_mean(cell, model, symbols, k):
    """Your result is the sum over the steps: divide by their number, len(symbols) - 1."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / np.log(2)


@BITS.add
def bits_divided_by_steps_without_weights(cell, model, symbols, k):
    """You add up the windows' means and divide by the number of steps: each mean has to be multiplied by its window's
    steps first."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_weighed_by_k(cell, model, symbols, k):
    """You weigh every window by k. The last one may be shorter: weigh it by stop - start."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * k
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_divided_by_all_symbols(cell, model, symbols, k):
    """You divide by T + 1. The first symbol is read and never said, so there are T = len(symbols) - 1 steps."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / len(symbols) / np.log(2)


@BITS.add
def bits_divided_by_streams_again(cell, model, symbols, k):
    """You divide by the number of streams as well. softmax_cross_entropy is a mean over steps and streams already."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / symbols.shape[1] / np.log(2)


@BITS.add
def bits_state_reset(cell, model, symbols, k):
    """Every window starts from a zero state, so what you measure depends on k: carry the state from window to
    window."""
    total = 0.0
    for a, b in windows(len(symbols) - 1, k):
        loss, _ = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], None)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_target_not_shifted(cell, model, symbols, k):
    """Your target at each step is the symbol that is being read: it is the next one, symbols[start + 1 : stop + 1]."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a:b], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_target_shifted_the_wrong_way(cell, model, symbols, k):
    """You read the later symbol and ask for the earlier one: it is the other way round."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a + 1 : b + 1]), symbols[a:b], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_target_inside_the_window(cell, model, symbols, k):
    """You shift inside each window, so the step from one into the next is never asked for. Cut the T steps: symbol
    `stop` is the last target of a window."""
    total, steps, state = 0.0, 0, None
    for a, b in windows(len(symbols), k):
        if b - a > 1:
            loss, state = nats(cell, model, one_hot(model, symbols[a : b - 1]), symbols[a + 1 : b], state)
            total, steps = total + loss * (b - a - 1), steps + b - a - 1
    return total / max(steps, 1) / np.log(2)


@BITS.add
def bits_windows_of_all_symbols(cell, model, symbols, k):
    """You cut T + 1 steps. The last symbol is a target only: there are len(symbols) - 1 steps."""
    total, state = 0.0, None
    for a, b in windows(len(symbols), k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / len(symbols) / np.log(2)


@BITS.add
def bits_tail_dropped(cell, model, symbols, k):
    """What is left over at the end, shorter than k, is lost: the last window is a shorter one."""
    total, state, n = 0.0, None, (len(symbols) - 1) // k * k
    for a in range(0, n, k):
        x, target = one_hot(model, symbols[a : a + k]), symbols[a + 1 : a + k + 1]
        loss, state = nats(cell, model, x, target, state)
        total += loss * k
    return total / max(n, 1) / np.log(2)


@BITS.add
def bits_first_window_only(cell, model, symbols, k):
    """Your return stands in the loop, so you measure the first window only: move it out to the left."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
        return total / (b - a) / np.log(2)
    return None


@BITS.add
def bits_last_window_only(cell, model, symbols, k):
    """You return the last window's mean: those before it count as well. Add up, and divide by all steps."""
    state = None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
    return loss / np.log(2)


@BITS.add
def bits_symbols_without_one_hot(cell, model, symbols, k):
    """You hand the symbols to the cell as they are. It reads K numbers at each step, of which one is 1:
    np.eye(K)[symbols[start:stop]]."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, symbols[a:b], symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_one_hot_in_float64(cell, model, symbols, k):
    """Your one-hot rows are float64 beside float32 parameters: np.eye(K, dtype=model.readout.W_hy.dtype)."""
    rows = np.eye(len(model.readout.b_y))
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, rows[symbols[a:b]], symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_number_of_symbols_from_the_stream(cell, model, symbols, k):
    """You take K from the symbols, and the last one of the alphabet need not occur among them. K is the readout's:
    len(model.readout.b_y)."""
    K = symbols.max() + 1
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b], K), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return total / (len(symbols) - 1) / np.log(2)


@BITS.add
def bits_negative(cell, model, symbols, k):
    """Your result is negative. The cross-entropy has its minus sign already: log-probabilities are below zero, and the
    bits that a symbol costs above."""
    total, state = 0.0, None
    for a, b in windows(len(symbols) - 1, k):
        loss, state = nats(cell, model, one_hot(model, symbols[a:b]), symbols[a + 1 : b + 1], state)
        total += loss * (b - a)
    return -total / (len(symbols) - 1) / np.log(2)


_SGD = Formula(
    "lambda model, grads, memory: (sgd(model, grads, 0.5 / (1 + memory)), memory + 1)",
    lambda model, grads, memory: (sgd(model, grads, 0.5 / (1 + memory)), memory + 1),
)


_TOO_LARGE_AND_TWICE_ONLY = Formula(
    "lambda model, grads, memory: (map_arrays(lambda w: (5e307, 0.5)[memory] * np.sign(w), model), memory + 1)",
    lambda model, grads, memory: (map_arrays(lambda w: (5e307, 0.5)[memory] * np.sign(w), model), memory + 1),
)


def _language_model(rng: np.random.Generator, cell: Any, H: int, K: int, decimals: int) -> Model:
    if cell is rnn:
        return Model(draw_rnn(rng, K, H, decimals=decimals), draw_readout(rng, H, K, decimals=decimals))
    params = lstm.Params(*(draw(rng, *s, decimals=decimals) for s in ((K, 4 * H), (H, 4 * H), (4 * H,))))
    return Model(params, draw_readout(rng, H, K, decimals=decimals))


def _symbols(rng: np.random.Generator, T: int, N: int, K: int) -> Array:
    return rng.integers(0, K, (T + 1, N))


def _single(tree: Any) -> Any:
    return map_arrays(lambda array: array.astype(np.float32), tree)


def _truncated_case(
    seed: int, cell: Any, T: int, N: int, H: int, K: int, k: int, losses: tuple[float, ...] = (), carried: bool = True,
    decimals: int = 2, single: bool = False, last_occurs: bool = True,
) -> Case:  # fmt: skip
    rng = np.random.default_rng(seed)
    model = _language_model(rng, cell, H, K, decimals)
    state = None
    if carried:
        state = draw(rng, N, H, decimals=decimals) if cell is rnn else lstm.State(draw(rng, N, H), draw(rng, N, H))
    if single:
        model, state = _single(model), _single(state) if carried else None
    symbols = _symbols(rng, T, N, K if last_occurs else K - 1)
    session = Session(model, len(losses), state, losses)
    arguments = {"cell": cell, "session": session, "symbols": symbols, "k": k, "update": _SGD}
    return Case(_label(cell, T, N, H, K, k, single, last_occurs), arguments)


def _label(cell: Any, T: int, N: int, H: int, K: int, k: int, single: bool, last_occurs: bool) -> str:
    missing = "" if last_occurs else f", symbol {K - 1} does not occur"
    name = cell.__name__.rpartition(".")[2]
    return f"{sizes(T=T, N=N, H=H, K=K)}, k = {k}, {name}{missing}{', float32' if single else ''}"


def truncated_cases() -> tuple[Case, ...]:
    """Windows with a tail of one, of none, of several steps, longer than all, and of one; the plain cell and LSTM; a
    symbol that does not occur; float32, after these, so that a one-hot in float64 hides no other mistake; and a loss
    that is not finite, in the last window or with one after it, whose update would fail."""
    return (
        _truncated_case(900, rnn, T=5, N=2, H=2, K=3, k=2, decimals=1),
        _truncated_case(901, lstm, T=9, N=2, H=3, K=4, k=3, losses=(1.5, 1.25)),
        _truncated_case(902, rnn, T=8, N=1, H=4, K=5, k=5, losses=(1.75,), carried=False, last_occurs=False),
        _truncated_case(903, lstm, T=4, N=3, H=2, K=5, k=7, losses=(0.5,)),
        _truncated_case(904, lstm, T=5, N=1, H=4, K=3, k=1, carried=False),
        _truncated_case(906, lstm, T=6, N=2, H=3, K=4, k=4, single=True),
        _truncated_diverging_case(920, T=8, why="the loss of the second window is infinite"),
        _truncated_diverging_case(921, T=11, why="the loss of the second window is not a number"),
    )


def _truncated_diverging_case(seed: int, T: int, why: str) -> Case:
    case = _truncated_case(seed, rnn, T=T, N=2, H=3, K=4, k=4)
    arguments = {**case.arguments, "update": _TOO_LARGE_AND_TWICE_ONLY}
    return Case(f"{case.label}, training diverges", arguments, refused=why)


def truncated_lesson_case() -> Case:
    """A small piece of the lesson's stream."""
    return _truncated_case(905, lstm, T=60, N=32, H=40, K=50, k=20, single=True)


def _bits_case(
    seed: int, cell: Any, T: int, N: int, H: int, K: int, k: int, decimals: int = 2,
    single: bool = False, last_occurs: bool = True,
) -> Case:  # fmt: skip
    rng = np.random.default_rng(seed)
    model = _language_model(rng, cell, H, K, decimals)
    symbols = _symbols(rng, T, N, K if last_occurs else K - 1)
    arguments = {"cell": cell, "model": _single(model) if single else model, "symbols": symbols, "k": k}
    return Case(_label(cell, T, N, H, K, k, single, last_occurs), arguments)


def bits_cases() -> tuple[Case, ...]:
    """Windows with a tail of one, of none, of several steps, and longer than all; the plain cell and the LSTM; a symbol
    that does not occur; and float32, last, so that a one-hot in float64 hides no other mistake."""
    return (
        _bits_case(910, rnn, T=5, N=2, H=2, K=3, k=2, decimals=1),
        _bits_case(911, lstm, T=6, N=2, H=3, K=5, k=3, last_occurs=False),
        _bits_case(912, rnn, T=8, N=1, H=4, K=3, k=5),
        _bits_case(913, lstm, T=4, N=3, H=2, K=5, k=1000),
        _bits_case(915, lstm, T=7, N=2, H=3, K=4, k=4, single=True),
    )


def bits_lesson_case() -> Case:
    """A small piece of the held-out text."""
    return _bits_case(914, lstm, T=300, N=8, H=40, K=50, k=100, single=True)


_MODEL = (
    "cell.forward(params, x, state) returns h, the state after the window, and the tape; readout.forward(readout, h) "
    "returns the logits. "
)

EXERCISES = (
    Exercise(
        name="loop.fit",
        lesson="08_long_range_tasks",
        minutes=8,
        solution=loop.fit,
        returns=("session",),
        stub='''def my_loop_fit(session, batches, gradient, update, on_update=None):
    """One update for every batch; batches may be a generator. session is Session(model, memory, state, losses).
    gradient(model, batch) returns loss, grads; update(model, grads, memory) returns model, memory. After each update
    call on_update(updates, loss), if there is one: updates is the number of all losses, those that the session came
    with included. Return the new Session, with each loss before its update."""
    ...
''',
        hints=(
            "Three things change from batch to batch: the model, the optimiser's memory, and the list of losses. "
            "The session's state is only passed on.",
            "A Session is a tuple of four, which one line can take apart. losses is a tuple too: list(losses) can "
            "grow, and (*losses, loss) is a longer tuple. What you were given stays as it is.",
            "For each batch: loss and grads from gradient, which gets the model as it is now; then model and memory "
            "from update, which gets these and the memory of the last update; then the loss goes to the others. "
            "Then on_update, if it is not None, with the number of all losses. Behind the loop, build a Session.",
        ),
        make_cases=fit_cases,
        make_lesson_case=fit_lesson_case,
        misconceptions=FIT.catalogue,
    ),
    Exercise(
        name="loop.truncated_epoch",
        lesson="09_language_model",
        minutes=12,
        solution=loop.truncated_epoch,
        returns=("session",),
        stub='''def my_loop_truncated_epoch(cell, session, symbols, k, update):
    """Windows of k steps along symbols (T + 1, N), integers 0 ... K - 1: read each as a one-hot row, say the next one.
    One update(model, grads, memory) -> model, memory after every window; the state is carried on, the gradient is not.
    Return the new Session(model, memory, state, losses): the last state, one loss (before the update) per window."""
    ...
''',
        hints=(
            "It is fit with windows for batches: each is a short sequence with a forward pass, a loss, a backward pass "
            "and an update. What makes them one stream is the state, which goes on from window to window.",
            _MODEL
            + "windows(T, k) gives pairs start, stop. The model is Model(cell, readout), and so is its gradient. "
            "np.eye(K, dtype=model.readout.W_hy.dtype)[symbols[start:stop]] is x (steps, N, K), in the precision of "
            "the parameters, with K = len(model.readout.b_y). "
            "readout.backward(readout, h, dy) returns its gradient and dh.",
            "There are len(symbols) - 1 steps. In each window: h, state, tape from cell.forward; y from the readout; "
            "the target is the same slice one later. Loss and dy from softmax_cross_entropy and its gradient; "
            "readout.backward, then cell.backward(params, tape, dh), whose first result counts; then update.",
        ),
        make_cases=truncated_cases,
        make_lesson_case=truncated_lesson_case,
        misconceptions=TRUNCATED.catalogue,
    ),
    Exercise(
        name="loop.bits_per_symbol",
        lesson="09_language_model",
        minutes=8,
        solution=loop.bits_per_symbol,
        returns=("bits",),
        stub='''def my_loop_bits_per_symbol(cell, model, symbols, k=1000):
    """Mean over all steps and streams of -log2 of the probability that the model gives to the next symbol. symbols is
    (T + 1, N), integers 0 ... K - 1. Read from a zero state (None), k steps at a time with the state carried on, so
    that k changes nothing but the memory. Return one number."""
    ...
''',
        hints=(
            "softmax_cross_entropy is what you need, but for two things: it is in nats, and it is the mean of one "
            "window. A mean over all steps comes from sums.",
            _MODEL + "windows(T, k) gives pairs start, stop, with T = len(symbols) - 1; the last one may be shorter. "
            "np.eye(K, dtype=model.readout.W_hy.dtype)[symbols[start:stop]] is x (steps, N, K), in the precision of "
            "the parameters, with K = len(model.readout.b_y).",
            "Add up each window's cross-entropy times its stop - start; at the end divide by all steps, and by "
            "np.log(2). The state is None before the first window, and then what cell.forward returned.",
        ),
        make_cases=bits_cases,
        make_lesson_case=bits_lesson_case,
        misconceptions=BITS.catalogue,
    ),
)
