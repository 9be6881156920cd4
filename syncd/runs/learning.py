"""What is known of an instance when a run begins, and what the run learns of it for the next ones."""

from syncd.delivery.habits import Habits
from syncd.runs.world import Sync, World


class Learning:
    """The habits of the sync's instance; `keep` writes down what is new in them."""

    def __init__(self, sync: Sync, world: World) -> None:
        self._instance, self._store = sync.instance, world.store
        self._kept = world.store.instances.learned(sync.instance)
        self.habits = Habits.recalled(
            self._kept,
            batch_size=sync.gomus.batch_size,
            is_unique=sync.gomus.unique_foreign_ids,
            now=world.clock(),
            terms=world.digester.context(sync.absence_terms).hex()[:16],
        )

    def keep(self) -> None:
        learned = self.habits.learned()
        new = {name: value for name, value in learned.items() if self._kept.get(name) != value}
        self._store.instances.learn(self._instance, new)
        self._kept |= new
