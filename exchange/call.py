"""One request on its way to a handler: the view, the hub, the parameters, maybe a session."""

from collections.abc import Callable
from dataclasses import dataclass

from exchange.hub import Hub
from exchange.instruments import Instrument
from exchange.rpc import MUST_BE_WEBSOCKET, Params, invalid_params
from exchange.session import Session
from exchange.state import MarketState
from exchange.view import View


@dataclass(frozen=True, slots=True)
class Call:
    """One request; over HTTP there is no session."""

    view: View
    hub: Hub
    params: Params
    session: Session | None

    @property
    def state(self) -> MarketState:
        """The market's state."""
        return self.view.state

    def need_session(self) -> Session:
        """Return the session, or refuse plain HTTP."""
        if self.session is None:
            raise MUST_BE_WEBSOCKET
        return self.session

    def instrument(self) -> Instrument:
        """Return the instrument that the request names, delivered ones included."""
        name = self.params.text("instrument_name")
        instrument = self.state.find(name) or self.state.retired.get(name)
        if instrument is None:
            raise invalid_params("instrument not found", "instrument_name")
        return instrument

    def active_instrument(self) -> Instrument:
        """Return the instrument that the request names unless it was delivered."""
        instrument = self.instrument()
        if self.state.find(instrument.name) is None:
            raise invalid_params("instrument is not active", "instrument_name")
        return instrument


Handler = Callable[[Call], object]
