"""What training took from the socket: an estimate, since nothing was metered."""

# Ten watts for a core under load, with its share of memory, power supply and cooling. Servers of this kind draw about that much; the machine's
# own draw is unknown.
WATTS = 20
CORES = 2


def energy(hours: float) -> str:
    return (
        f"Energy was not metered. At an assumed {WATTS} W for {CORES} cores with their share of memory and cooling, {hours:.1f} hours are about "
        f"{hours * WATTS:.0f} Wh; experiments before the run are not in it."
    )
