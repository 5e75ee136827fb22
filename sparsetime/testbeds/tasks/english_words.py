"""Words of the tasks in English: each is one token of SmolLM2 after a space.

Every other word of a list is of one split.
"""

NAMES = (
    "James", "John", "Robert", "Michael", "William", "David", "Richard", "Joseph", "Thomas",
    "Charles", "Daniel", "Matthew", "Anthony", "Mark", "Paul", "Steven", "Andrew",
    "Kenneth", "George", "Kevin", "Brian", "Edward", "Ronald", "Jason", "Jeffrey", "Ryan",
    "Jacob", "Gary", "Nicholas", "Eric", "Jonathan", "Stephen", "Larry", "Justin", "Scott",
    "Benjamin", "Samuel", "Frank", "Gregory", "Raymond", "Alexander", "Patrick", "Jack",
    "Dennis", "Jerry", "Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara",
    "Susan", "Jessica", "Sarah", "Karen", "Lisa", "Nancy", "Betty", "Sandra", "Margaret",
    "Ashley", "Emily", "Michelle", "Carol", "Amanda", "Melissa", "Deborah", "Stephanie",
    "Rebecca", "Laura", "Helen", "Sharon", "Amy", "Angela", "Anna", "Ruth", "Diane",
    "Julie", "Emma", "Alice", "Jane", "Rachel", "Kate", "Simon", "Peter", "Henry", "Adam",
    "Victor", "Martin", "Oliver", "Lucy", "Grace", "Claire", "Maria", "Jean", "Martha",
    "Judith", "Lewis", "Oscar", "Felix", "Hugo", "Leo", "Tom", "Tim", "Ben", "Sam", "Bob",
    "Dan", "Jim", "Joe", "Mike", "Steve", "Kelly", "Jamie",
)  # fmt: skip

PLACES = (
    "store", "garden", "school", "restaurant", "hospital", "office", "station", "park",
    "library", "market", "beach", "museum", "theatre", "church", "house", "bank", "zoo",
    "farm", "airport", "hotel", "kitchen", "concert", "party", "castle", "village", "gym",
)  # fmt: skip

OBJECTS = (
    "drink", "book", "ring", "flower", "letter", "key", "ball", "basketball", "computer",
    "bone", "kiss", "necklace", "snack", "ticket", "hat", "card", "map", "coin", "phone",
    "gift", "pen", "cup", "box", "toy", "knife", "lamp", "watch", "basket",
)  # fmt: skip

EVENTS = (
    "war", "trial", "strike", "project", "festival", "campaign", "siege", "tour", "voyage",
    "rebellion", "drought", "famine", "expedition", "occupation", "dynasty", "reign",
    "plague", "debate", "exhibition", "conflict", "alliance", "mission", "survey", "crisis",
)  # fmt: skip

#: Plurals end in s, and are one token too.
PEOPLE = (
    "boy", "girl", "teacher", "doctor", "farmer", "driver", "author", "singer", "lawyer",
    "engineer", "senator", "minister", "manager", "officer", "customer", "dancer", "pilot",
    "nurse", "writer", "artist", "student", "king", "queen", "judge", "soldier", "actor",
    "guard", "chef", "worker", "parent",
)  # fmt: skip

THINGS = (
    "car", "house", "tree", "book", "picture", "table", "window", "door", "road", "river",
    "wall", "bridge", "garden", "machine", "building", "field", "chair", "hill", "ship",
    "fence", "tower", "lamp",
)  # fmt: skip

COLOURS = (
    "red", "blue", "green", "yellow", "black", "white", "purple", "orange", "brown", "pink",
)  # fmt: skip

COLOURED = (
    "book", "pen", "cup", "plate", "phone", "hat", "ball", "bag", "key", "box", "pencil",
    "fork", "bottle", "lamp", "knife", "watch", "coin", "ring", "shirt", "clock", "bowl",
    "brush", "card", "toy",
)  # fmt: skip

WORDS = (
    "apple", "river", "stone", "music", "paper", "green", "table", "garden", "window",
    "silver", "market", "winter", "bridge", "coffee", "animal", "forest", "doctor",
    "summer", "machine", "letter", "castle", "yellow", "island", "mountain", "bottle",
    "finger", "dragon", "pocket", "silence", "temple", "engine", "button", "desert",
    "mirror", "orange", "planet", "shadow", "velvet", "whistle", "circle", "hammer",
    "ladder", "needle", "ribbon", "saddle", "tunnel", "valley", "village", "wagon",
    "anchor", "basket", "candle", "copper", "cotton", "feather", "jacket", "kitten",
    "lemon", "marble", "pepper", "pillow", "rocket", "spider", "sugar", "ticket", "tiger",
    "turtle", "violin", "walnut",
)  # fmt: skip

ARGUMENTS = (
    "first", "files", "project", "image", "target", "command", "line", "parts", "order",
    "group", "number", "state", "method", "option", "value", "list", "text", "code", "size",
    "length", "field", "path", "name", "data", "key", "user", "page", "item", "table",
    "node", "event", "index", "model", "message", "type", "filter", "source", "result",
    "base", "content", "context", "style", "word", "start", "end", "time", "date", "point",
    "position", "file", "format", "level", "mode", "object", "version", "class", "module",
    "address", "status", "label", "title", "port", "host", "child", "parent", "root",
)  # fmt: skip
